using FerActors.Training.Augmentation;

namespace FerActors.Training.Tests.Augmentation;

public sealed class MixSamplerSpecs
{
    [Fact]
    public void A_plan_is_a_pure_function_of_seed_epoch_and_batch()
    {
        var first = new MixSampler(1, new MixOptions(), 48).Plan(2, 3, 64);
        var second = new MixSampler(1, new MixOptions(), 48).Plan(2, 3, 64);
        var other = new MixSampler(1, new MixOptions(), 48).Plan(2, 4, 64);

        Assert.Equal((first.Kind, first.Lambda, first.Box), (second.Kind, second.Lambda, second.Box));
        Assert.Equal(first.Partners, second.Partners);
        Assert.NotEqual(first.Lambda, other.Lambda);
        Assert.NotEqual(first.Partners, other.Partners);
    }

    [Fact]
    public void Partners_are_a_permutation()
    {
        var sampler = new MixSampler(1, new MixOptions(), 48);

        Assert.All(Enumerable.Range(0, 20), batch => Assert.Equal(Enumerable.Range(0, 33), sampler.Plan(0, batch, 33).Partners.Order()));
    }

    [Fact]
    public void A_cut_keeps_the_share_that_lambda_says_and_stays_inside()
    {
        var sampler = new MixSampler(1, new MixOptions { MixupAlpha = 0 }, 48);
        for (var batch = 0; batch < 300; batch++)
        {
            var plan = sampler.Plan(0, batch, 8);
            Assert.Equal(MixKind.CutMix, plan.Kind);
            Assert.Equal(1 - (plan.Box.Width * plan.Box.Height / 2304f), plan.Lambda, 5);
            Assert.InRange(plan.Lambda, 0, 1);
            Assert.InRange(plan.Box.Left, 0, 48);
            Assert.InRange(plan.Box.Top, 0, 48);
            Assert.InRange(plan.Box.Right, plan.Box.Left, 48);
            Assert.InRange(plan.Box.Bottom, plan.Box.Top, 48);
        }
    }

    [Fact]
    public void Mixup_has_no_box_and_follows_beta()
    {
        var sampler = new MixSampler(1, new MixOptions { CutMixAlpha = 0, MixupAlpha = 0.2 }, 48);
        var plans = Enumerable.Range(0, 4000).Select(batch => sampler.Plan(0, batch, 1)).ToArray();

        Assert.All(plans, plan => Assert.Equal((MixKind.Mixup, default), (plan.Kind, plan.Box)));
        Assert.InRange(plans.Average(plan => plan.Lambda), 0.47, 0.53);
        var variance = plans.Average(plan => Math.Pow(plan.Lambda - 0.5, 2));
        Assert.InRange(variance, 0.95 / 5.6, 1.05 / 5.6);
    }

    [Fact]
    public void Shares_of_the_kinds_are_those_asked_for()
    {
        var sampler = new MixSampler(1, new MixOptions { Probability = 0.8, CutMixShare = 0.25 }, 48);
        var kinds = Enumerable.Range(0, 4000).Select(batch => sampler.Plan(1, batch, 1).Kind).ToArray();

        Assert.InRange(kinds.Count(kind => kind == MixKind.None), 720, 880);
        Assert.InRange(kinds.Count(kind => kind == MixKind.CutMix), 720, 880);
    }

    [Fact]
    public void A_batch_that_is_not_mixed_keeps_its_own()
    {
        var none = new MixSampler(1, MixOptions.None, 48).Plan(0, 0, 4);
        var off = new MixSampler(1, new MixOptions { MixupAlpha = 0, CutMixAlpha = 0 }, 48).Plan(0, 0, 4);

        Assert.All([none, off], plan =>
        {
            Assert.Equal((MixKind.None, 1f), (plan.Kind, plan.Lambda));
            Assert.Equal([0, 1, 2, 3], plan.Partners);
        });
    }

    [Fact]
    public void Arguments_outside_their_range_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new MixSampler(1, new MixOptions { Probability = 2 }, 48));
        Assert.Throws<ArgumentException>(() => new MixSampler(1, new MixOptions { MixupAlpha = -1 }, 48));
        Assert.Throws<ArgumentException>(() => new MixSampler(1, new MixOptions { CutMixAlpha = double.NaN }, 48));
        Assert.Throws<ArgumentException>(() => new MixSampler(1, new MixOptions { CutMixShare = 1.1 }, 48));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MixSampler(1, new MixOptions(), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MixSampler(1, new MixOptions(), 48).Plan(0, 0, 0));
    }
}
