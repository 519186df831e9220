using FerActors.Host.Commands;

return await FerCommandLine.RunAsync(args);
