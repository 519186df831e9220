using FerActors.Host.Commands;
using FerActors.Host.Commands.Line;

using var signals = new Signals();
return await FerCommandLine.RunAsync(args, signals.Token);
