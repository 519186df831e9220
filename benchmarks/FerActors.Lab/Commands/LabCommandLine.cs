using FerActors.Host.Commands.Line;

namespace FerActors.Lab.Commands;

/// <summary>The <c>fer-lab</c> command: what measures and attacks the product, and does not ship with it.</summary>
public static class LabCommandLine
{
    /// <param name="args">The arguments.</param>
    /// <param name="output">Takes what is printed; <see langword="null"/> for the console.</param>
    /// <param name="stop">Ends the command as a signal does.</param>
    internal static Task<int> RunAsync(string[] args, (TextWriter Output, TextWriter Error)? output, CancellationToken stop = default)
    {
        var root = new ProgramCommand("fer-lab", "FerActors: measurements and hostile inputs.")
        {
            BenchCommand.Create(),
            SoakCommand.Create(),
            ApiLoadCommand.Create(),
            FuzzCommand.Create(),
            MicroCommands.CreateEngines(),
            MicroCommands.CreateMicro(),
        };
        return CommandRun.RunAsync(root, args, output, stop);
    }
}
