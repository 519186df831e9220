using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Shared.Tests.Registry;

public sealed class PromotionGatesSpecs
{
    private static readonly GateOptions Options = new();
    private static readonly ModelManifest Champion = Manifests.Of(1);

    [Fact]
    public void What_is_worse_by_no_more_than_allowed_passes() =>
        Assert.Empty(PromotionGates.Check(Manifests.Of(2, accuracy: 0.59, fear: 0.35, ms: 3), Champion, Options));

    [Fact]
    public void A_loss_of_accuracy_is_refused_with_both_figures()
    {
        var refusal = Assert.Single(PromotionGates.Check(Manifests.Of(2, accuracy: 0.5899), Champion, Options));

        Assert.Equal(("accuracy", 0.5899, 0.6, 0.59), (refusal.Gate, refusal.Candidate, refusal.Champion, refusal.Limit));
        Assert.Contains("58.99 %, the champion v1 60.00 %", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_of_one_classs_recall_is_refused_though_accuracy_rose()
    {
        var refusal = Assert.Single(PromotionGates.Check(Manifests.Of(2, accuracy: 0.7, fear: 0.3), Champion, Options));

        Assert.Equal("recall:fear", refusal.Gate);
        Assert.Contains("30.00 %, the champion v1 40.00 %", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slower_model_is_refused_with_both_times()
    {
        var refusal = Assert.Single(PromotionGates.Check(Manifests.Of(2, ms: 3.01), Champion, Options));

        Assert.Equal("latency", refusal.Gate);
        Assert.Contains("3.01 ms a face, the champion v1 2.00 ms", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_of_other_data_are_not_compared_in_silence() =>
        Assert.Equal("comparable", Assert.Single(PromotionGates.Check(Manifests.Of(2, data: "other"), Champion, Options)).Gate);

    [Fact]
    public void Figures_of_another_split_of_the_same_data_are_not_compared_in_silence()
    {
        var candidate = Manifests.Of(2);
        var other = candidate with { Metrics = candidate.Metrics! with { Evaluation = "PrivateTest" } };

        Assert.Equal("comparable", Assert.Single(PromotionGates.Check(other, Champion, Options)).Gate);
    }

    [Fact]
    public void A_version_without_metrics_is_refused_only_where_they_are_required()
    {
        var unknown = Champion with { Metrics = null };

        Assert.Equal("metrics", Assert.Single(PromotionGates.Check(unknown, null, Options)).Gate);
        Assert.Empty(PromotionGates.Check(unknown, Champion, Options with { RequireMetrics = false }));
    }

    [Fact]
    public void All_mistakes_of_the_options_are_told_at_once()
    {
        var options = new RegistryOptions
        {
            Root = " ",
            Gates = new GateOptions { MaxAccuracyDrop = -1, MaxLatencyRatio = 0 },
            Rollback = new RollbackOptions { FailureQuorum = 0, ConvergenceTimeout = TimeSpan.Zero },
        };

        Assert.Equal(5, options.Validate().Count);
        Assert.Empty(new RegistryOptions().Validate());
    }
}
