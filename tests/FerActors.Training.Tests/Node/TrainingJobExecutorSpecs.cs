using System.Text;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Files;
using FerActors.Testing.Servers;
using FerActors.Training.Data;
using FerActors.Training.Hub;
using FerActors.Training.Node;
using FerActors.Training.Runs;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using FerActors.Training.Tests.Hub;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Node;

public sealed class TrainingJobExecutorSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TrainingJobExecutor _executor;

    public TrainingJobExecutorSpecs() =>
        _executor = new TrainingJobExecutor(new TrainingServiceOptions { RunsFolder = Path.Combine(_folder.Root, "runs") });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_that_begins_from_a_model_folder_reports_its_phases_and_says_where_its_model_comes_from()
    {
        var start = SmallRun.Save(_folder, "start", SmallRun.Plain, seed: 1);
        var listener = new Listener();

        var model = await _executor.RunAsync(Spec(start), 1, listener, CancellationToken.None);

        Assert.Equal([RunState.Running, RunState.Evaluating], listener.States);
        Assert.Equal([1], listener.Epochs);
        Assert.Contains(listener.Said, s => s.Contains("training images", StringComparison.Ordinal));
        using var shipped = VitCheckpoint.Load(model);
        Assert.Equal((32, "v7"), (shipped.Model.Config.ImageSize, shipped.Model.Config.FerActors.Version));
        var provenance = await RunProvenance.ReadAsync(Path.GetDirectoryName(model)!);
        Assert.Equal(("start", "run run-1 of the training service"), (provenance.Parent, provenance.Command));
        Assert.True(Directory.Exists(Path.Combine(_folder.Root, "runs", "run-1", "tensorboard")));
    }

    [Fact]
    public async Task A_run_that_begins_from_the_Hub_fetches_the_model_with_the_token_and_does_not_tell_it()
    {
        const string token = "hf_secret";
        var form = PublicForms.Small;
        await using var hub = (await FakeHub.StartAsync(new FakeHub { RequiredToken = token }))
            .With("config.json", form.Config(labels: true))
            .With("preprocessor_config.json", form.PreprocessorJson)
            .With("model.safetensors", form.Weights(classifier: true), large: true);
        using var client = new HubClient(
            new HubOptions { Endpoint = hub.Address, CacheFolder = Path.Combine(_folder.Root, "hub"), Token = HubToken.Create(token) });
        var executor = new TrainingJobExecutor(
            new TrainingServiceOptions { RunsFolder = Path.Combine(_folder.Root, "runs") },
            async (model, cancellation) => (await client.FetchAsync(HubModelId.Parse(model), null, cancellation)).Folder);
        var listener = new Listener();

        var model = await executor.RunAsync(Spec($"hub:{hub.Repository}"), 1, listener, CancellationToken.None);

        Assert.Single(hub.StoreGets);
        using var shipped = VitCheckpoint.Load(model);
        Assert.Equal(form.Width, shipped.Model.Config.HiddenSize);
        var provenance = await RunProvenance.ReadAsync(Path.GetDirectoryName(model)!);
        Assert.Equal(hub.Repository, provenance.Parent);
        Assert.DoesNotContain(listener.Said, sentence => sentence.Contains(token, StringComparison.Ordinal));
        Assert.All(
            Directory.EnumerateFiles(_folder.Root, "*", SearchOption.AllDirectories),
            file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf("hf_secret"u8) < 0, file));
    }

    [Fact]
    public void All_mistakes_of_a_submission_are_told_at_once()
    {
        Assert.Empty(_executor.Validate(Spec("hub:org/name@v1")));
        Assert.Empty(_executor.Validate(Spec(null)));
        var mistakes = _executor.Validate(Spec("a") with { OptionsJson = """{"init_from": "b", "epochs": 0, "batch_size": 0}""" });

        Assert.Contains("begins from 'a' and its options from 'b'", mistakes[0], StringComparison.Ordinal);
        Assert.All(["epochs", "batch_size"], name => Assert.Contains(mistakes, m => m.Contains(name, StringComparison.Ordinal)));
        Assert.Single(_executor.Validate(Spec(null) with { OptionsJson = "{" }));
        Assert.Equal(
            ["labels is 'votes', but a run of the training service has no votes; use fer train."],
            _executor.Validate(Spec(null) with { OptionsJson = """{"labels": "votes"}""" }));
        Assert.Equal(
            ["early_stopping.metric is 'agreement', but a run of the training service has no votes; use fer train."],
            _executor.Validate(Spec(null) with { OptionsJson = """{"early_stopping": {"metric": "agreement"}}""" }));
    }

    [Fact]
    public async Task A_damaged_provenance_is_an_error_and_an_absent_one_is_unknown()
    {
        Assert.Equal(ModelProvenance.Unknown, await RunProvenance.ReadAsync(_folder.Root));
        _folder.Write(RunProvenance.FileName, "[]"u8.ToArray());

        await Assert.ThrowsAsync<InvalidDataException>(() => RunProvenance.ReadAsync(_folder.Root));
    }

    private RunSpec Spec(string? initFrom)
    {
        var rows = Enumerable.Range(0, 30)
            .Select(i => (Label: i % ExpressionNames.Count, Usage: i < 16 ? FerUsage.Training : FerUsage.PublicTest, Number: i))
            .Select(r => $"{r.Label},{SyntheticFer.Pixels(SyntheticFer.Image(r.Number))},{r.Usage}");
        var data = _folder.Write("fer.csv", Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(SyntheticFer.Header)) + "\n"));
        var options = SmallRun.Options with { Epochs = 1 };
        return new RunSpec(RunId.Parse("run-1"), "first", options.ToJson(), data, initFrom, 0, ModelVersionId.Parse("v7"));
    }

    private sealed class Listener : IRunListener
    {
        public List<RunState> States { get; } = [];

        public List<int> Epochs { get; } = [];

        public List<string> Said { get; } = [];

        public void Reached(RunState state) => States.Add(state);

        public void Advanced(RunProgress progress)
        {
        }

        public void Finished(EpochMetrics epoch) => Epochs.Add(epoch.Epoch);

        public void Say(string sentence) => Said.Add(sentence);
    }
}
