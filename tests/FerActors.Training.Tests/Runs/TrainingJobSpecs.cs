using System.Text;
using System.Text.Json;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Runs;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Runs;

/// <summary>The whole way from a CSV to a model folder that can serve.</summary>
public sealed class TrainingJobSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_csv_becomes_a_model_folder_whose_metrics_are_those_of_the_written_file()
    {
        var request = Request(SyntheticFer.Csv(72));
        var listener = new Listener();

        var outcome = await TrainingJob.RunAsync(request, listener);

        Assert.Equal(
            ["README.md", "config.json", "drift_reference.json", "metrics.json", "model.safetensors", "preprocessor_config.json", "report.html", "report.json", "report.md"],
            Directory.GetFiles(request.ModelFolder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var loaded = VitCheckpoint.Load(request.ModelFolder);
        Assert.Equal("mine", loaded.Model.Config.FerActors.Name);
        Assert.Equal("7", loaded.Model.Config.FerActors.Version);
        Assert.Equal(outcome.Plain.Calibration!.Temperature, loaded.Model.Config.FerActors.Temperature, 1e-9);

        var validation = (await FerDataSource.OpenAsync(request.DataPath)).Where(FerUsage.PublicTest);
        var again = ClassificationMetrics.Compute(ModelEvaluation.Predict(loaded.Model, loaded.Preprocessor, validation, flip: false));
        var written = MetricsJson.Deserialize(await File.ReadAllBytesAsync(Path.Combine(request.ModelFolder, MetricsJson.FileName)));
        Assert.Equal(24, validation.Count);
        Assert.Equal(again.Accuracy, written.Metrics.Accuracy);
        Assert.Equal(again.Nll, written.Metrics.Nll, 1e-6);
        Assert.Equal(validation.Sha256, written.DataSha256);

        var card = await File.ReadAllTextAsync(Path.Combine(request.ModelFolder, "README.md"));
        Assert.Contains(loaded.WeightsSha256, card, StringComparison.Ordinal);
        Assert.Contains(request.Command, card, StringComparison.Ordinal);
        Assert.Contains("abc123", card, StringComparison.Ordinal);

        var log = await File.ReadAllLinesAsync(Path.Combine(request.RunFolder, TrainingJob.LogFileName));
        Assert.Equal([1, 2], log.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("epoch").GetInt32()));
        var options = await File.ReadAllTextAsync(Path.Combine(request.RunFolder, TrainingJob.OptionsFileName));
        Assert.Equal(request.Options.ToJson(), TrainingOptions.FromJson(options).ToJson());
        Assert.Contains(listener.Said, s => s.StartsWith("24 training images, 24 validation images", StringComparison.Ordinal));
        Assert.Contains(listener.Heard, p => p.Validation is { Epoch: 2 });
    }

    [Fact]
    public async Task A_run_on_votes_is_calibrated_on_them_and_its_files_have_the_figures_against_them()
    {
        var csv = SyntheticFer.Csv(72);
        var votes = _folder.Write("votes.csv", SyntheticVotes.For(SyntheticFer.Read(csv), others: 7));
        var request = Request(csv) with { VotesPath = votes, Options = TinyRun.Options with { Labels = LabelSource.Votes } };
        var listener = new Listener();

        var outcome = await TrainingJob.RunAsync(request, listener);
        var byLabels = await TrainingJob.RunAsync(Request(csv, "labels") with { VotesPath = votes });

        using var loaded = VitCheckpoint.Load(request.ModelFolder);
        Assert.Equal("votes", loaded.Model.Config.FerActors.CalibratedOn);
        var written = MetricsJson.Deserialize(await File.ReadAllBytesAsync(Path.Combine(request.ModelFolder, MetricsJson.FileName)));
        Assert.Equal((24, 24), (written.Votes!.Count, written.Votes.Majority!.Count));
        Assert.True(written.CalibratedOnVotes);
        Assert.Equal(written.Calibration!.Temperature, loaded.Model.Config.FerActors.Temperature, 0.1);
        var card = await File.ReadAllTextAsync(Path.Combine(request.ModelFolder, "README.md"));
        Assert.All(
            ["FER+'s votes stand beside 24 of the training images", "Against the majority of the votes:", "| labels | votes |", "that of the majority of the voters naming the class"],
            text => Assert.Contains(text, card, StringComparison.Ordinal));
        Assert.All(listener.Heard.Where(p => p.Validation is not null), p => Assert.NotNull(p.Validation!.Agreement));
        Assert.Equal(outcome.Plain.Votes!.Majority!.Accuracy, listener.Heard.Last(p => p.Validation is not null).Validation!.Agreement!.Value, 0.1);

        using var labelled = VitCheckpoint.Load(byLabels.ModelFolder);
        Assert.Null(labelled.Model.Config.FerActors.CalibratedOn);
        Assert.NotNull(byLabels.Plain.Votes);
        Assert.False(byLabels.Plain.CalibratedOnVotes);
    }

    [Fact]
    public async Task A_cancelled_job_goes_on_where_it_stopped_and_writes_the_same_weights()
    {
        var whole = await TrainingJob.RunAsync(Request(SyntheticFer.Csv(72), "whole"));
        var request = Request(SyntheticFer.Csv(72));
        using var source = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => TrainingJob.RunAsync(request, new Listener { After = p => p.Validation is { Epoch: 1 }, Cancel = source }, source.Token));
        Assert.False(Directory.Exists(request.ModelFolder));
        var listener = new Listener();
        var outcome = await TrainingJob.RunAsync(request, listener);

        Assert.DoesNotContain(listener.Heard, p => p.Validation is { Epoch: 1 });
        using var expected = VitCheckpoint.Load(whole.ModelFolder);
        using var actual = VitCheckpoint.Load(outcome.ModelFolder);
        Assert.Equal(TinyRun.Weights(expected.Model), TinyRun.Weights(actual.Model));
    }

    [Fact]
    public async Task Training_images_that_stand_in_an_evaluation_split_are_left_out_unless_they_are_asked_for()
    {
        var rows = Encoding.UTF8.GetString(SyntheticFer.Csv(72));
        var leaked = SyntheticFer.Row(1, (Expression)1, FerUsage.Training);
        var csv = Encoding.UTF8.GetBytes(rows + leaked + "\n");
        var cleaned = new Listener();
        var kept = new Listener();

        await TrainingJob.RunAsync(Request(csv, "cleaned"), cleaned);
        await TrainingJob.RunAsync(Request(csv, "kept") with { KeepDuplicates = true, Half = false }, kept);

        Assert.Contains(cleaned.Said, s => s.StartsWith("24 training images", StringComparison.Ordinal));
        Assert.Contains(
            cleaned.Said, s => s.StartsWith("1 training images that equal an evaluation image (1 exactly", StringComparison.Ordinal));
        Assert.Contains(kept.Said, s => s.StartsWith("25 training images", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Data_without_validation_images_is_refused_before_anything_is_trained()
    {
        var rows = Enumerable.Range(0, 16).Select(i => SyntheticFer.Row(i, (Expression)(i % 7), FerUsage.Training));
        var request = Request(Encoding.UTF8.GetBytes(string.Join('\n', [SyntheticFer.Header, .. rows])));

        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => TrainingJob.RunAsync(request));

        Assert.Contains("no PublicTest (validation) images", fault.Message, StringComparison.Ordinal);
        Assert.Contains("set hold_out to 0.1", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(request.ModelFolder));
    }

    [Fact]
    public async Task Data_of_two_splits_train_with_a_part_held_out()
    {
        var rows = Enumerable.Range(0, 56).Select(i => SyntheticFer.Row(i, (Expression)(i % 7), i < 42 ? FerUsage.Training : FerUsage.PrivateTest));
        var listener = new Listener();
        var request = Request(Encoding.UTF8.GetBytes(string.Join('\n', [SyntheticFer.Header, .. rows]))) with { HoldOut = new HoldOut(0.34, 0) };

        var outcome = await TrainingJob.RunAsync(request, listener);

        Assert.Contains(listener.Said, s => s.Contains("validation images were held out of the training images (hold_out 0.34, seed 0)", StringComparison.Ordinal));
        Assert.Contains(listener.Said, s => s.StartsWith("28 training images, 14 validation images", StringComparison.Ordinal));
        Assert.True(Directory.Exists(outcome.ModelFolder));
    }

    private TrainingRequest Request(byte[] csv, string name = "mine") => new()
    {
        DataPath = _folder.Write($"{name}.csv", csv),
        RunFolder = Path.Combine(_folder.Root, "runs", name),
        ModelFolder = Path.Combine(_folder.Root, "models", name),
        Options = TinyRun.Options,
        Version = "7",
        Command = "./run train --data some.csv",
        GitCommit = "abc123",
    };

    private sealed class Listener : ITrainingListener
    {
        public List<string> Said { get; } = [];

        public List<TrainingProgress> Heard { get; } = [];

        public Predicate<TrainingProgress>? After { get; init; }

        public CancellationTokenSource? Cancel { get; init; }

        public void Say(string sentence) => Said.Add(sentence);

        public void Advance(TrainingProgress progress)
        {
            Heard.Add(progress);
            if (After?.Invoke(progress) == true)
            {
                Cancel!.Cancel();
            }
        }
    }
}
