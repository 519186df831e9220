using System.Text.Json.Nodes;
using FerActors.Training.Data;
using FerActors.Training.Engine;

namespace FerActors.Training.Sweeps;

/// <summary>Runs one trial.</summary>
/// <param name="options">The options of the trial, its values in them.</param>
/// <param name="trial">Its number, from 0; a trial that was interrupted is asked for again with the same number.</param>
/// <param name="report">To be told the metric after each epoch (from 1); false asks the trial to end.</param>
/// <param name="cancellation">Interrupts it; it goes on when the sweep is resumed.</param>
public delegate Task TrialRunner(TrainingOptions options, int trial, Func<int, EpochRecord, bool> report, CancellationToken cancellation);

/// <summary>Runs the trials of a declared space one after the other, and goes on where an earlier call was interrupted.</summary>
public static class Sweep
{
    public const string JournalFileName = "sweep.jsonl";

    /// <summary>Runs what is left.</summary>
    /// <param name="space">What is searched.</param>
    /// <param name="folder">The sweep's folder; made where it does not exist.</param>
    /// <param name="run">Runs a trial.</param>
    /// <param name="say">Told what happens.</param>
    /// <param name="cancellation">Interrupts the trial under way; the same call goes on later.</param>
    /// <returns>All trials. Those that failed are among them: one bad combination does not end a search.</returns>
    /// <exception cref="InvalidDataException">The folder holds another sweep, or its journal is damaged.</exception>
    public static async Task<SweepState> RunAsync(
        SweepSpace space, string folder, TrialRunner run, Action<string>? say = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(run);
        Directory.CreateDirectory(folder);
        var state = SweepState.Begin(space);
        using var journal = SweepJournal.Open(Path.Combine(folder, JournalFileName), ref state);
        void Note(SweepEvent happened)
        {
            state = state.Apply(happened);
            journal.Append(happened);
        }

        Note(new SweepEvent.Declared(space.Source));
        var plan = space.Plan();
        for (var trial = 0; trial < plan.Count; trial++)
        {
            if (state.IsDone(trial))
            {
                continue;
            }

            cancellation.ThrowIfCancellationRequested();
            var values = plan[trial];
            say?.Invoke($"trial {trial + 1} of {plan.Count}: {SweepReport.Shown(values)}");
            Note(new SweepEvent.Started(trial, (JsonObject)values.DeepClone()));
            var stopped = false;
            var epochs = int.MaxValue;
            bool Report(int epoch, EpochRecord record)
            {
                Note(new SweepEvent.Reported(trial, epoch, ValueOf(space.Metric, record)));

                // After the last epoch there is nothing left to stop.
                stopped |= epoch < epochs && !state.ShouldGoOn(trial);
                return !stopped;
            }

            try
            {
                var options = SweepOptions.Apply(space.Base, values);
                epochs = options.Epochs;
                await run(options, trial, Report, cancellation).ConfigureAwait(false);
                Note(new SweepEvent.Ended(trial, stopped ? TrialOutcome.Stopped : TrialOutcome.Finished, null));
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (OperationCanceledException) when (stopped)
            {
                Note(new SweepEvent.Ended(trial, TrialOutcome.Stopped, null));
            }
            catch (Exception e) when (
                e is not (IOException or OutOfMemoryException or UnauthorizedAccessException or FerDataException or InvalidDataException))
            {
                // A full disk or bad data would fail every other trial as well; options that do not fit fail this one.
                say?.Invoke($"trial {trial + 1} failed: {e.Message}");
                Note(new SweepEvent.Ended(trial, TrialOutcome.Failed, e.Message));
            }
        }

        return state;
    }

    private static double ValueOf(SweepMetric metric, EpochRecord record) => metric switch
    {
        SweepMetric.Accuracy => record.Accuracy,
        SweepMetric.MacroF1 => record.MacroF1,
        _ => record.ValidationLoss,
    };
}
