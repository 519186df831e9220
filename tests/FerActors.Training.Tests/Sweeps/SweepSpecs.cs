using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FerActors.Testing.Files;
using FerActors.Training.Engine;
using FerActors.Training.Runs;
using FerActors.Training.Sweeps;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Tracking;
using FerActors.Training.Tracking;

namespace FerActors.Training.Tests.Sweeps;

public sealed class SweepSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(new[] { 0.1 }, false)]
    [InlineData(new[] { 0.1, 0.39 }, true)]
    [InlineData(new[] { 0.1, 0.4 }, false)]
    [InlineData(new[] { 0.41, 0.1 }, false)]
    [InlineData(new[] { 0.1, 0.2, 0.3, 0.4 }, false)]
    public void The_median_rule_compares_the_best_so_far_with_the_median_of_running_averages(double[] current, bool stops)
    {
        // Running averages at epoch 2: 0.3, 0.4, 0.5; no trial but one has a fourth epoch.
        double[][] ended = [[0.2, 0.4, 0.9], [0.3, 0.5, 0.9], [0.4, 0.6, 0.9, 0.9]];

        Assert.Equal(stops, new MedianStoppingRule(MinEpochs: 2, MinTrials: 3).ShouldStop(current, ended));
    }

    [Fact]
    public async Task Trials_below_the_median_are_stopped_and_ranked_behind()
    {
        var space = SweepSpace.Parse("""
            method: grid
            early_stopping: { min_epochs: 1, min_trials: 2 }
            base: { epochs: 3, preset: tiny }
            parameters: { drop_path: { values: [0.3, 0.2, 0.1, 0.4] } }
            """);
        var told = new List<(int, int)>();

        var state = await Sweep.RunAsync(space, _folder.Root, (options, trial, report, _) =>
        {
            for (var epoch = 1; epoch <= options.Epochs; epoch++)
            {
                told.Add((trial, epoch));
                if (!report(epoch, Record(epoch, accuracy: options.DropPath)))
                {
                    throw new OperationCanceledException();
                }
            }

            return Task.CompletedTask;
        });

        Assert.Equal([(2, 1)], told.Where(t => t.Item1 == 2));
        Assert.Equal(3, told.Count(t => t.Item1 == 3));
        Assert.Equal([3, 0, 1, 2], state.Ranking.Select(trial => trial.Trial));
        Assert.Equal(TrialOutcome.Stopped, state.Trials[2].Outcome);
        Assert.Contains("| 3 | 0.1 | 1 | 0.1000 | stopped |", SweepReport.Markdown(state), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_sweep_goes_on_with_the_trial_under_way()
    {
        var space = Space("[0.1, 0.2, 0.3]");
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAsync<OperationCanceledException>(() => Sweep.RunAsync(
            space,
            _folder.Root,
            (options, trial, report, cancellation) =>
            {
                report(1, Record(1, 0.1 * (trial + 1)));
                if (trial == 1)
                {
                    stop.Cancel();
                    cancellation.ThrowIfCancellationRequested();
                }

                report(2, Record(2, 0.2 * (trial + 1)));
                return Task.CompletedTask;
            },
            cancellation: stop.Token));

        // A crash of the machine may also cut the last line.
        await File.AppendAllTextAsync(Path.Combine(_folder.Root, Sweep.JournalFileName), """{"event":"repor""");
        var trials = new List<int>();
        var state = await Sweep.RunAsync(space, _folder.Root, (_, trial, report, _) =>
        {
            trials.Add(trial);
            if (trial > 1)
            {
                report(1, Record(1, 0.3));
            }

            report(2, Record(2, 0.2 * (trial + 1)));
            return Task.CompletedTask;
        });

        Assert.Equal([1, 2], trials);
        Assert.All(state.Trials.Values, trial => Assert.Equal((TrialOutcome.Finished, 2), (trial.Outcome, trial.Curve.Count)));
        Assert.Equal([0.2, 0.4], state.Trials[1].Curve);
        trials.Clear();
        await Sweep.RunAsync(space, _folder.Root, (_, trial, _, _) =>
        {
            trials.Add(trial);
            return Task.CompletedTask;
        });
        Assert.Empty(trials);
    }

    [Fact]
    public async Task A_folder_of_another_sweep_is_refused()
    {
        await Sweep.RunAsync(Space("[0.1]"), _folder.Root, (_, _, _, _) => Task.CompletedTask);

        await Assert.ThrowsAsync<InvalidDataException>(() => Sweep.RunAsync(Space("[0.2]"), _folder.Root, (_, _, _, _) => Task.CompletedTask));
    }

    [Fact]
    public async Task A_trial_that_fails_does_not_end_the_sweep_but_a_full_disk_does()
    {
        var space = Space("[0.1, 7, 0.3]");

        var state = await Sweep.RunAsync(space, _folder.Root, (_, trial, report, _) =>
        {
            report(1, Record(1, 0.5));
            return trial == 2 ? throw new InvalidOperationException("The loss is | no longer finite.") : Task.CompletedTask;
        });

        Assert.Equal([TrialOutcome.Finished, TrialOutcome.Failed, TrialOutcome.Failed], state.Trials.Values.Select(trial => trial.Outcome));
        Assert.Contains("drop_path", state.Trials[1].Error!, StringComparison.Ordinal);
        Assert.Contains("failed: The loss is \\| no longer finite.", SweepReport.Markdown(state), StringComparison.Ordinal);
        var parsed = JsonNode.Parse(SweepReport.Json(state))!.AsArray();
        Assert.Equal(0.1, (double)parsed[0]!["values"]!["drop_path"]!);
        Assert.Equal("Finished", (string)parsed[0]!["outcome"]!);
        await Assert.ThrowsAsync<IOException>(() => Sweep.RunAsync(
            space, Path.Combine(_folder.Root, "other"), (_, _, _, _) => throw new IOException("No space left on device.")));
    }

    /// <summary>The forerunner's sweeps varied nothing: their values never reached the training.</summary>
    [Fact]
    public async Task What_a_sweep_varies_changes_the_weights_and_nothing_else_does()
    {
        var data = _folder.Write("fer.csv", SyntheticFer.Csv(72));
        var space = SweepSpace.Parse("""
            method: grid
            base: { preset: tiny, epochs: 1, batch_size: 8, warmup_epochs: 0, compute: fp32, threads: 1 }
            parameters:
              learning_rate: { values: [0.001, 0.001, 0.004] }
            """);
        var folder = Path.Combine(_folder.Root, "sweep");
        var request = new TrainingRequest
        {
            DataPath = data,
            RunFolder = folder,
            ModelFolder = folder,
            Options = space.Base,
            Command = "test",
            KeepDuplicates = true,
            Half = false,
        };
        var trackers = new List<FakeTracker>();
        var trials = new TrialTraining(request, folder, null, _ =>
        {
            trackers.Add(new FakeTracker());
            return [trackers[^1]];
        });

        var state = await Sweep.RunAsync(space, folder, trials.RunAsync);

        Assert.All(state.Trials.Values, trial => Assert.Equal((TrialOutcome.Finished, 1), (trial.Outcome, trial.Curve.Count)));
        var hashes = Enumerable.Range(0, 3)
            .Select(trial => Path.Combine(TrialTraining.FolderOf(folder, trial), "model", "model.safetensors"))
            .Select(path => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))))
            .ToList();
        Assert.Equal(hashes[0], hashes[1]);
        Assert.NotEqual(hashes[0], hashes[2]);
        Assert.All(trackers, tracker =>
        {
            Assert.StartsWith("start sweep-trial-00", tracker.Heard.First(), StringComparison.Ordinal);
            Assert.Contains(tracker.Heard, heard => heard.Contains("validation/accuracy=", StringComparison.Ordinal));
            Assert.Contains("artifact metrics.json", tracker.Heard);
            Assert.Equal($"end {RunStatus.Finished}", tracker.Heard.Last());
        });
    }

    [Fact]
    public async Task A_run_that_fails_is_recorded_as_failed_and_no_tracker_hides_why()
    {
        var tracker = new FakeTracker();
        var broken = new FakeTracker { Before = _ => throw new TrackerRefusedException("No.") };
        var request = new TrainingRequest
        {
            DataPath = Path.Combine(_folder.Root, "absent.csv"),
            RunFolder = Path.Combine(_folder.Root, "run"),
            ModelFolder = Path.Combine(_folder.Root, "model"),
            Options = new TrainingOptions(),
            Command = "test",
        };

        await Assert.ThrowsAnyAsync<Exception>(() => TrackedTraining.RunAsync(request, null, [broken, tracker]));

        Assert.Equal(["start model", "end Failed"], tracker.Heard);
    }

    private static SweepSpace Space(string values) => SweepSpace.Parse(
        $"method: grid\nbase: {{ epochs: 2, preset: tiny }}\nparameters:\n  drop_path: {{ values: {values} }}");

    private static EpochRecord Record(int epoch, double accuracy) => new(epoch, epoch * 10, 1, 0.001, accuracy, accuracy, 1, epoch);
}
