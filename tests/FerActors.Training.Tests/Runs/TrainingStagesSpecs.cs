using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Runs;
using FerActors.Training.Sweeps;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using FerActors.Training.Tracking;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Runs;

public sealed class TrainingStagesSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_enters_each_stage_once_and_in_order_and_fetches_what_its_options_name()
    {
        var start = SmallRun.Save(_folder, "start", SmallRun.Plain, seed: 1);
        var teacher = SmallRun.Save(_folder, "teacher", SmallRun.Plain, seed: 2);
        var asked = new List<string>();
        var listener = new Listener();
        var request = Request(SmallRun.Options with
        {
            Epochs = 1,
            InitFrom = "hub:org/start@v1",
            Distillation = new() { Teachers = ["hub:org/teacher", teacher] },
        }) with
        {
            FetchFromHub = (reference, _) =>
            {
                asked.Add(reference);
                return Task.FromResult(reference.StartsWith("org/start", StringComparison.Ordinal) ? start : teacher);
            },
        };

        var outcome = await TrainingJob.RunAsync(request, listener);

        Assert.Equal([TrainingStage.Preparing, TrainingStage.Training, TrainingStage.Evaluating], listener.Stages);
        Assert.Equal(["org/start@v1", "org/teacher"], asked);
        using var shipped = VitCheckpoint.Load(outcome.ModelFolder);
        Assert.Equal(32, shipped.Model.Config.ImageSize);
        var card = await File.ReadAllTextAsync(Path.Combine(outcome.ModelFolder, "README.md"));
        Assert.Contains("org/start@v1", card, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Root, card, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trackers_and_the_trials_of_a_sweep_pass_the_stages_on()
    {
        var listener = new Listener();
        var trials = new TrialTraining(
            Request(SmallRun.Options), Path.Combine(_folder.Root, "sweep"), listener, run => [new TensorBoardTracker(Path.Combine(run, "tensorboard"))]);

        await trials.RunAsync(SmallRun.Options with { Epochs = 1 }, trial: 0, (_, _) => true, CancellationToken.None);

        Assert.Equal([TrainingStage.Preparing, TrainingStage.Training, TrainingStage.Evaluating], listener.Stages);
    }

    [Fact]
    public async Task Without_a_way_to_the_hub_a_reference_to_it_is_refused_before_anything_is_read()
    {
        var listener = new Listener();

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(
            () => TrainingJob.RunAsync(Request(SmallRun.Options with { InitFrom = "hub:org/start" }), listener));

        Assert.Contains("init_from is 'hub:org/start'", fault.Message, StringComparison.Ordinal);
        Assert.Equal([TrainingStage.Preparing], listener.Stages);
    }

    [Fact]
    public async Task Other_options_than_the_folder_s_run_has_are_refused_and_its_own_stay_written_down()
    {
        await TrainingJob.RunAsync(Request(SmallRun.Options with { Epochs = 1 }));
        var path = Path.Combine(_folder.Root, "run", TrainingJob.OptionsFileName);
        var before = await File.ReadAllTextAsync(path);

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => TrainingJob.RunAsync(Request(SmallRun.Options)));

        Assert.Contains("a run with other options", fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(path));
    }

    private TrainingRequest Request(TrainingOptions options)
    {
        var rows = Enumerable.Range(0, 30).Select(i => (Expression: (Expression)(i % 7), Usage: i < 16 ? FerUsage.Training : FerUsage.PublicTest, i))
            .Select(r => $"{(int)r.Expression},{SyntheticFer.Pixels(SyntheticFer.SmoothImage(r.i))},{r.Usage}");
        return new TrainingRequest
        {
            DataPath = _folder.Write("fer.csv", System.Text.Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(SyntheticFer.Header)) + "\n")),
            RunFolder = Path.Combine(_folder.Root, "run"),
            ModelFolder = Path.Combine(_folder.Root, "model"),
            Options = options,
            Command = "test",
            KeepDuplicates = true,
        };
    }

    private sealed class Listener : ITrainingListener
    {
        public List<TrainingStage> Stages { get; } = [];

        public void Say(string sentence)
        {
        }

        public void Advance(TrainingProgress progress)
        {
        }

        public void Enter(TrainingStage stage) => Stages.Add(stage);
    }
}
