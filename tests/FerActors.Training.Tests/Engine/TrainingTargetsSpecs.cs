using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class TrainingTargetsSpecs : IDisposable
{
    // Of the four images the last has no usable votes; their labels are the first four classes.
    private static readonly FerDataset Voted = TinyRun.Data(4).WithVotes(
    [
        0, 0, 0, 6, 4, 0, 0,
        0, 5, 0, 0, 5, 0, 0,
        8, 0, 0, 0, 0, 0, 2,
        0, 0, 0, 0, 0, 0, 0,
    ]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Votes_become_shares_and_an_image_without_votes_keeps_its_label()
    {
        var targets = Targets(TinyRun.Plain with { Labels = LabelSource.Votes });

        Assert.Equal([0, 0, 0, 0.6f, 0.4f, 0, 0], targets[0]);
        Assert.Equal([0, 0.5f, 0, 0, 0.5f, 0, 0], targets[1]);
        Assert.Equal([0.8f, 0, 0, 0, 0, 0, 0.2f], targets[2]);
        Assert.Equal([0, 0, 0, 1, 0, 0, 0], targets[3]);
    }

    [Fact]
    public void Mixed_labels_share_the_target_with_the_votes()
    {
        var targets = Targets(TinyRun.Plain with { Labels = LabelSource.Mixed, VotesShare = 0.25 });

        SmallRun.AssertClose([0.75f, 0, 0, 0.15f, 0.1f, 0, 0], targets[0], 1e-6);
        SmallRun.AssertClose([0.2f, 0, 0.75f, 0, 0, 0, 0.05f], targets[2], 1e-6);
        Assert.Equal([0, 0, 0, 1, 0, 0, 0], targets[3]);
    }

    [Fact]
    public void Votes_that_are_not_asked_for_change_nothing()
    {
        Assert.Equal(new TrainingTargets(TinyRun.Data(4), TinyRun.Options).Labels, new TrainingTargets(Voted, TinyRun.Options).Labels);
        Assert.All(Targets(TinyRun.Plain), (target, i) => Assert.Equal(1, target[i]));
    }

    [Fact]
    public void Smoothing_spreads_part_of_the_votes()
    {
        var target = Targets(TinyRun.Plain with { Labels = LabelSource.Votes, LabelSmoothing = 0.14 })[0];

        SmallRun.AssertClose([0.02f, 0.02f, 0.02f, 0.536f, 0.364f, 0.02f, 0.02f], target, 1e-6);
    }

    [Fact]
    public void Balancing_goes_by_the_class_with_the_largest_share_and_by_the_label_where_that_is_one_of_them()
    {
        var targets = new TrainingTargets(Voted, TinyRun.Options with { Labels = LabelSource.Votes });

        Assert.Equal([Expression.Happy, Expression.Disgust, Expression.Angry, Expression.Happy], targets.Labels);
        Assert.Equal([1, 1, 0, 2, 0, 0, 0], targets.Histogram);
    }

    [Fact]
    public void The_feeder_hands_out_the_votes_of_the_very_images()
    {
        var images = TinyRun.Data(3 * TinyRun.BatchSize);
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(images), images);
        var feeder = new BatchFeeder(
            voted, TinyRun.Plain with { Labels = LabelSource.Votes }, FerDataset.Side, new GrayNormalisation(PreprocessorConfig.For(ModelPresets.Get(ModelPresets.Tiny))));
        var shares = new float[ExpressionNames.Count];
        var order = Order(images);

        var batch = feeder.ReadEpoch(0, 0, CancellationToken.None).First();

        for (var i = 0; i < TinyRun.BatchSize; i++)
        {
            FaceVotes.Shares(voted.Votes(order[i]), shares);
            Assert.Equal(shares, batch.Targets.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count).ToArray());
        }
    }

    [Fact]
    public async Task A_run_on_votes_comes_to_answer_what_most_people_say_against_the_labels()
    {
        // All people name the class after the label.
        var train = TinyRun.Data(4 * TinyRun.BatchSize);
        var options = SmallRun.Options with { Labels = LabelSource.Votes, Epochs = 40, LearningRate = 1e-2, EmaDecay = 0.8 };
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(train, others: 10), train);

        using var trained = await SmallRun.RunAsync(_folder, "run", options, train: voted);

        var predictions = ModelEvaluation.Predict(trained.Model, trained.Preprocessor, train, flip: false);
        var right = Enumerable.Range(0, train.Count).Count(i => Softmax.ArgMax(predictions.Logits(i)) == ((int)train.Label(i) + 1) % 7);
        Assert.True(right > 0.9 * train.Count, $"{right} of {train.Count}");
    }

    [Fact]
    public async Task A_run_on_votes_is_continued_with_the_same_votes_only_and_any_other_run_with_any()
    {
        var train = TinyRun.Data(4 * TinyRun.BatchSize);
        var (votes, others) = (SyntheticVotes.Attach(SyntheticVotes.For(train), train), SyntheticVotes.Attach(SyntheticVotes.For(train, others: 4), train));
        var options = TinyRun.Options with { Labels = LabelSource.Mixed };
        using (await SmallRun.RunAsync(_folder, "voted", options, train: votes))
        using (await SmallRun.RunAsync(_folder, "plain", TinyRun.Options, train: votes))
        {
            var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => SmallRun.RunAsync(_folder, "voted", options, train: others));
            Assert.Contains("the votes are others", fault.Message, StringComparison.Ordinal);
        }

        using var continued = await SmallRun.RunAsync(_folder, "voted", options, train: votes);
        using var unconcerned = await SmallRun.RunAsync(_folder, "plain", TinyRun.Options, train: train);
        var share = await Assert.ThrowsAsync<InvalidOperationException>(
            () => SmallRun.RunAsync(_folder, "voted", options with { VotesShare = 0.7 }, train: votes));
        Assert.Contains("other options", share.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_on_votes_that_was_broken_off_ends_in_the_same_weights()
    {
        var train = TinyRun.Data(4 * TinyRun.BatchSize);
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(train), train);
        var options = TinyRun.Options with { Labels = LabelSource.Votes };
        using var whole = await SmallRun.RunAsync(_folder, "whole", options, train: voted);
        await SmallRun.BreakOffAsync(3, (progress, cancellation) => SmallRun.RunAsync(_folder, "halves", options, progress, voted, cancellation));

        using var continued = await SmallRun.RunAsync(_folder, "halves", options, train: voted);

        Assert.Equal(TinyRun.Weights(whole.Model), TinyRun.Weights(continued.Model));
    }

    [Fact]
    public void Labels_that_need_votes_are_refused_without_them()
    {
        var fault = Assert.Throws<ArgumentException>(
            () => new Trainer(TinyRun.Options with { Labels = LabelSource.Votes }, SmallRun.Train, SmallRun.Validation));

        var metric = Assert.Throws<ArgumentException>(
            () => new Trainer(TinyRun.Options with { EarlyStopping = new() { Metric = "agreement" } }, SmallRun.Train, SmallRun.Validation));
        Assert.StartsWith("early_stopping.metric is 'agreement', but the validation images have no votes.", metric.Message, StringComparison.Ordinal);
        Assert.StartsWith("labels is 'votes', but the training images have no votes.", fault.Message, StringComparison.Ordinal);
    }

    private static List<float[]> Targets(TrainingOptions options)
    {
        var targets = new TrainingTargets(Voted, options);
        return [.. Enumerable.Range(0, Voted.Count).Select(i =>
        {
            var target = new float[ExpressionNames.Count];
            targets.Write(i, target);
            return target;
        })];
    }

    private static int[] Order(FerDataset images) =>
        FerActors.Training.Augmentation.EpochSampler.Balanced((ulong)TinyRun.Plain.Seed, images.Labels(), 0).Order(0);
}
