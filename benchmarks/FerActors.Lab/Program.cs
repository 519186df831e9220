using FerActors.Host.Commands.Line;
using FerActors.Lab.Commands;

using var signals = new Signals();
return await LabCommandLine.RunAsync(args, null, signals.Token);
