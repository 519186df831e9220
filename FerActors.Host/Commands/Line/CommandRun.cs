using System.CommandLine;
using System.CommandLine.Help;
using FerActors.Host.Configuration;
using FerActors.Host.Operator;
using FerActors.Inference.Faces;
using FerActors.Training.Configuration;
using FerActors.Training.Data;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Native;
using FerActors.Vision.Safetensors;

namespace FerActors.Host.Commands.Line;

/// <summary>
/// Runs a command line. Exit codes: 0 done, 1 failed (the reason is on standard error), 2 misused (the command line or the
/// configuration has to be mended first; nothing was begun), 3 the cluster downed the node, 130 cancelled; the commands that talk to a
/// node also have 4, see <see cref="OperatorExitCodes"/>.
/// </summary>
internal static class CommandRun
{
    private const int Failed = 1;
    private const int Misused = OperatorExitCodes.BadUsage;
    private const int Cancelled = 130;

    /// <param name="root">The program's commands.</param>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Takes what is printed; <see langword="null"/> for the console.</param>
    /// <param name="stop">Ends the command as a signal does.</param>
    public static async Task<int> RunAsync(
        ProgramCommand root, string[] args, (TextWriter Output, TextWriter Error)? output, CancellationToken stop)
    {
        // Here a word with a slash is a path.
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Aliases.Remove("/?");
            help.Aliases.Remove("/h");
        }

        var errors = output?.Error ?? Console.Error;
        try
        {
            // No time limit after a signal: a stopping node finishes what is in flight, bounded by its own options, and a training run
            // its checkpoint. (Null would not lift the limit but leave signals unhandled.)
            var invocation = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
            };
            if (output is { } writers)
            {
                (invocation.Output, invocation.Error) = writers;
            }

            var parsed = root.Parse(args);
            if (Misuse.Of(parsed, args) is { Count: > 0 } mistakes)
            {
                foreach (var mistake in mistakes)
                {
                    await errors.WriteLineAsync($"{root.Program}: {mistake}");
                }

                return Misused;
            }

            return await parsed.InvokeAsync(invocation, stop);
        }
        catch (OperationCanceledException)
        {
            await errors.WriteLineAsync("Cancelled.");
            return Cancelled;
        }
        catch (Exception e) when (e is UsageException or ConfigurationException or TrainingConfigurationException)
        {
            await errors.WriteLineAsync($"{root.Program}: {e.Message}");
            return Misused;
        }
        catch (Exception e) when (IsExpected(e))
        {
            await errors.WriteLineAsync($"{root.Program}: {WithoutParameter(e)}");
            return Failed;
        }
    }

    // .NET adds the name of a method's parameter, which nobody at a terminal has written.
    private static string WithoutParameter(Exception e) => e is ArgumentException { ParamName: { } name }
        ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal)
        : e.Message;

    // What a person can mend. Anything else is a fault of ours, and its stack trace is wanted.
    private static bool IsExpected(Exception e) => e is
        NativeLibraryException or FaceDetectorException or CheckpointException or VitConfigException
        or SafetensorsFormatException or FerDataException or InvalidDataException or IOException or UnauthorizedAccessException or FormatException
        or TimeoutException or InvalidOperationException or ArgumentException or System.Text.Json.JsonException
        or RabbitMQ.Client.Exceptions.RabbitMQClientException or Akka.Actor.AkkaException;
}
