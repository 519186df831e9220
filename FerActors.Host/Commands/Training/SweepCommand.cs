using System.CommandLine;
using System.Globalization;
using FerActors.Host.Commands.Line;
using FerActors.Host.Operator;
using FerActors.Training.Engine;
using FerActors.Training.Hub;
using FerActors.Training.Runs;
using FerActors.Training.Sweeps;
using FerActors.Training.Tracking;
using Spectre.Console;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer sweep</c>: trains over a declared space of options and compares the trials.</summary>
internal static class SweepCommand
{
    public static Command Create()
    {
        var space = new Option<string>("--space") { Description = "YAML or JSON file that declares what is searched; see docs/tracking.md.", Required = true };
        var data = new Option<string>("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder.", Required = true };
        var votes = new Option<string?>("--votes") { Description = "The votes of FER+ beside the data, fer2013new.csv; needed where labels is votes or mixed." };
        var target = new Option<string>("--out") { Description = "The sweep's folder; one that was interrupted there is continued.", Required = true };
        var keep = new Option<bool>("--keep-duplicates") { Description = "Keeps training images that also stand in an evaluation split." };
        var holdOut = new Option<double>("--hold-out") { Description = "Share of the training images that judge the models, where the data have no validation images." };
        var holdOutSeed = new Option<int>("--hold-out-seed") { Description = "Which training images are held out." };
        var plan = new Option<bool>("--plan") { Description = "Prints the trials' options and trains nothing." };
        var json = new Option<bool>("--json") { Description = "Prints the results as JSON instead of a table." };
        var command = new Command("sweep", "Searches for good training options. Ctrl-C stops it; the same command continues it.")
        {
            space, data, votes, target, keep, holdOut, holdOutSeed, plan, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var declared = UsageException.Reading(() => SweepSpace.Load(parsed.GetRequiredValue(space)));
            if (parsed.GetValue(plan))
            {
                foreach (var values in declared.Plan())
                {
                    Console.WriteLine(values.ToJsonString());
                }

                return 0;
            }

            var folder = parsed.GetRequiredValue(target);
            var template = new TrainingRequest
            {
                DataPath = parsed.GetRequiredValue(data),
                VotesPath = parsed.GetValue(votes),
                RunFolder = folder,
                ModelFolder = folder,
                Options = declared.Base,
                KeepDuplicates = parsed.GetValue(keep),
                HoldOut = HoldOut.Of(parsed.GetValue(holdOut), parsed.GetValue(holdOutSeed)),
                Command = CommandText.Of(parsed),
                GitCommit = RunProvenance.GitCommit,
                FetchFromHub = HubClient.FetchFolderAsync,
            };

            // What is told goes to standard error: what is printed is for scripts.
            var listener = new Listener();
            var trials = new TrialTraining(template, folder, listener, run => TrackedTraining.FromEnvironment(run, listener.Say));
            var state = await Sweep.RunAsync(declared, folder, trials.RunAsync, listener.Say, cancellation);
            await SweepReport.WriteAsync(folder, state, cancellation);
            if (parsed.GetValue(json))
            {
                Console.Write(SweepReport.Json(state));
            }
            else
            {
                MarkdownScreen.Write(SweepReport.Markdown(state).TrimEnd());
            }


            return state.Trials.Values.Any(trial => trial.Outcome != TrialOutcome.Failed) ? 0 : 1;
        });
        return command;
    }

    private sealed class Listener : ITrainingListener
    {
        private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

        public void Say(string sentence) => _console.WriteLine(sentence);

        public void Advance(TrainingProgress progress)
        {
            if (progress.Warning is { } warning)
            {
                Say(warning);
            }

            if (progress.Validation is { } record)
            {
                Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  epoch {record.Epoch}/{progress.Epochs}: loss {record.TrainLoss:0.000}, validation accuracy {record.Accuracy:P2}, macro-F1 {record.MacroF1:0.000}, {record.Seconds:0} s"));
            }
        }
    }
}
