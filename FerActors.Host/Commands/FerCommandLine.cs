using FerActors.Host.Commands.Data;
using FerActors.Host.Commands.Line;
using FerActors.Host.Commands.Node;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Commands.Training;

namespace FerActors.Host.Commands;

/// <summary>The <c>fer</c> command; <see cref="CommandRun"/> has its exit codes.</summary>
public static class FerCommandLine
{
    public static Task<int> RunAsync(string[] args, CancellationToken stop = default) => RunAsync(args, null, stop);

    /// <param name="args">The arguments.</param>
    /// <param name="output">Takes what the operators' commands print; <see langword="null"/> for the console.</param>
    /// <param name="stop">Ends the command as a signal does.</param>
    internal static Task<int> RunAsync(
        string[] args, (TextWriter Output, TextWriter Error)? output, CancellationToken stop = default)
    {
        var train = TrainCommand.Create();
        var root = new ProgramCommand("fer", "FerActors: facial expressions from images on RabbitMQ.")
        {
            HostCommand.Create(),
            HealthCommand.Create(),
            DoctorCommand.Create(),
            MigrateCommand.Create(),
            ClassifyCommand.Create(),
            train,
            SweepCommand.Create(),
            AverageCommand.Create(),
            EvaluateCommand.Create(),
            ExportCommand.Create(),
            HubCommand.Create(),
            DetectorCommand.Create(),
            DataCommand.Create(),
            DriftCommand.Create(),
            ApiKeyCommand.Create(),
            RetentionCommand.Create(),
            BackupCommand.CreateBackup(),
            BackupCommand.CreateRestore(),
            DeadLetterCommand.Create(),
            ConfigCommand.Create(),
            CompletionCommand.Create(),
        };
        OperatorCommandLine.AddTo(root, train);
        return CommandRun.RunAsync(root, args, output, stop);
    }
}
