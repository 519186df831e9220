using System.Text;
using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Averaging;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Averaging;

/// <summary>From finished models to the folder of their average.</summary>
public sealed class AverageJobSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_written_folder_can_serve_and_its_card_names_the_models()
    {
        var request = Request(SyntheticFer.Csv(72), SmallRun.Save(_folder, "seed1", SmallRun.Plain), SmallRun.Save(_folder, "seed2", SmallRun.Plain));
        var said = new List<string>();

        var outcome = await AverageJob.RunAsync(request, said.Add);

        using var written = VitCheckpoint.Load(request.ModelFolder);
        Assert.Equal("average", written.Model.Config.FerActors.Name);
        Assert.Equal("4", written.Model.Config.FerActors.Version);
        Assert.Equal(outcome.Average.Plain.Calibration!.Temperature, written.Model.Config.FerActors.Temperature, 1e-2);
        var validation = (await FerDataSource.OpenAsync(request.DataPath)).Where(FerUsage.PublicTest);
        var again = ClassificationMetrics.Compute(ModelEvaluation.Predict(written.Model, written.Preprocessor, validation, flip: false));
        Assert.Equal(again.Accuracy, outcome.Average.Plain.Metrics.Accuracy);
        Assert.Equal(request.Models, outcome.Members.Select(member => member.ModelFolder));
        Assert.All(outcome.Members, member => Assert.Equal(again.Nll, member.Plain.Metrics.Nll, 1e-3));
        Assert.True(File.Exists(Path.Combine(request.ModelFolder, DriftReference.FileName)));
        var card = await File.ReadAllTextAsync(Path.Combine(request.ModelFolder, ModelCard.FileName));
        Assert.All(
            ["- **Average of the weights of:** seed1, seed2\n", written.WeightsSha256, request.Command, "abc123"],
            fact => Assert.Contains(fact, card, StringComparison.Ordinal));
        Assert.Contains(said, s => s.StartsWith("24 training images, 24 validation images", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_average_that_is_worse_than_each_of_its_models_is_not_written()
    {
        // Both say Happy whatever they see, by means that cancel out: what is left of the average is the classifier's bias, which says Sad.
        var rows = Enumerable.Range(0, 16)
            .Select(i => SyntheticFer.Row(i, i < 12 ? Expression.Happy : Expression.Sad, i % 2 == 0 ? FerUsage.PublicTest : FerUsage.Training));
        var request = Request(
            Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(SyntheticFer.Header)) + "\n"), SaysHappy("plus", 1), SaysHappy("minus", -1));

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => AverageJob.RunAsync(request));

        Assert.StartsWith("The average is right about 25.00 % of the images, and the worst of the models about 75.00 %.", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(request.ModelFolder));
    }

    [Fact]
    public async Task The_table_has_each_model_their_mean_with_its_spread_and_the_average()
    {
        var request = Request(SyntheticFer.Csv(72), SmallRun.Save(_folder, "seed1", SmallRun.Plain), SmallRun.Save(_folder, "seed2", SmallRun.Plain));
        var one = (await AverageJob.RunAsync(request)).Average;
        var (worse, better) = (one with { ModelFolder = "runs/worse", Plain = WithAccuracy(0.6) }, one with { ModelFolder = "runs/better", Plain = WithAccuracy(0.7) });

        var lines = AverageTable.Of(new AverageOutcome([worse, better], one)).Split('\n');

        Assert.StartsWith("| Model | plain accuracy | plain macro-F1 | plain ECE | flip accuracy |", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("| worse | 60.00 % |", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("| better | 70.00 % |", lines[3], StringComparison.Ordinal);
        Assert.StartsWith("| mean ± spread | 65.00 % ± 7.07 % |", lines[4], StringComparison.Ordinal);
        Assert.StartsWith("| average of the weights |", lines[5], StringComparison.Ordinal);

        EvaluationReport WithAccuracy(double accuracy) => one.Plain with { Metrics = one.Plain.Metrics with { Accuracy = accuracy } };
    }

    [Fact]
    public async Task Models_that_learnt_votes_are_averaged_judged_and_calibrated_by_votes()
    {
        var csv = SyntheticFer.Csv(72);
        var config = SmallRun.Plain with { FerActors = new FerActorsSection(CalibratedOn: FerActorsSection.Votes) };
        var request = Request(csv, SmallRun.Save(_folder, "seed1", config), SmallRun.Save(_folder, "seed2", config));

        var fault = await Assert.ThrowsAsync<ArgumentException>(() => AverageJob.RunAsync(request));
        var outcome = await AverageJob.RunAsync(request with { VotesPath = _folder.Write("votes.csv", SyntheticVotes.For(SyntheticFer.Read(csv))) });

        Assert.StartsWith("The models were calibrated on votes; name them", fault.Message, StringComparison.Ordinal);
        using var written = VitCheckpoint.Load(request.ModelFolder);
        Assert.Equal(FerActorsSection.Votes, written.Model.Config.FerActors.CalibratedOn);
        Assert.True(outcome.Average.Plain.CalibratedOnVotes);
        Assert.Contains("| plain agreement | plain where most agree | plain majority ECE | flip agreement |", AverageTable.Of(outcome), StringComparison.Ordinal);
    }

    private string SaysHappy(string name, float sign)
    {
        var config = SmallRun.Plain;
        using var model = Vit.Create(config, seed: 3);
        using (no_grad())
        {
            model.Tensors[CheckpointKeys.LayerNormWeight].zero_();
            model.Tensors[CheckpointKeys.LayerNormBias].fill_(sign);
            model.Tensors[CheckpointKeys.ClassifierWeight].zero_();
            using var happy = model.Tensors[CheckpointKeys.ClassifierWeight].narrow(0, (int)Expression.Happy, 1);
            happy.fill_(sign);
            model.Tensors[CheckpointKeys.ClassifierBias].zero_();
            using var sad = model.Tensors[CheckpointKeys.ClassifierBias].narrow(0, (int)Expression.Sad, 1);
            sad.fill_(1);
        }

        var path = Path.Combine(_folder.Root, name);
        VitCheckpoint.Save(path, model, PreprocessorConfig.For(config), half: true);
        return path;
    }

    private AverageRequest Request(byte[] csv, params string[] models) => new()
    {
        DataPath = _folder.Write("fer.csv", csv),
        Models = models,
        ModelFolder = Path.Combine(_folder.Root, "average"),
        Version = "4",
        Command = "./run average --data some.csv",
        GitCommit = "abc123",
    };
}
