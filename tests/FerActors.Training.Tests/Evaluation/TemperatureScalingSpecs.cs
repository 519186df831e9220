using FerActors.Testing.Models;
using FerActors.Training.Evaluation;
using static FerActors.Shared.Labels.Expression;

namespace FerActors.Training.Tests.Evaluation;

public sealed class TemperatureScalingSpecs
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2.5)]
    [InlineData(6)]
    public void The_temperature_that_the_labels_were_drawn_with_is_found(double temperature)
    {
        var predictions = Logits.Drawn(20_000, temperature);

        var fit = TemperatureScaling.Fit(predictions);

        Assert.InRange(fit.Temperature, temperature * 0.94, temperature * 1.06);
        Assert.False(fit.AtBound);
        Assert.Equal(20_000, fit.Count);
        Assert.True(fit.NllAfter <= fit.NllBefore);
    }

    [Fact]
    public void No_neighbouring_temperature_is_better()
    {
        var predictions = Logits.Drawn(500, 1.7);
        var fit = TemperatureScaling.Fit(predictions);

        Assert.Equal(ClassificationMetrics.Compute(predictions, fit.Temperature).Nll, fit.NllAfter, 12);
        Assert.Equal(ClassificationMetrics.Compute(predictions).Nll, fit.NllBefore, 12);
        foreach (var factor in new[] { 0.5, 0.99, 1.01, 2 })
        {
            Assert.True(ClassificationMetrics.Compute(predictions, fit.Temperature * factor).Nll > fit.NllAfter);
        }
    }

    [Fact]
    public void The_temperature_of_one_logit_is_that_of_the_closed_form()
    {
        // 3 of 4 right with logit 5: p = 0.75 wants e^(5/T) / (e^(5/T) + 6) = 0.75, so T = 5 / ln 18.
        var fit = TemperatureScaling.Fit(Logits.Of((Happy, Happy, 5), (Happy, Happy, 5), (Happy, Happy, 5), (Sad, Happy, 5)));

        Assert.Equal(5 / Math.Log(18), fit.Temperature, 9);
    }

    [Fact]
    public void A_model_that_is_always_right_wants_the_lowest_temperature()
    {
        var fit = TemperatureScaling.Fit(Logits.Of((Happy, Happy, 1), (Sad, Sad, 1)));

        Assert.True(fit.AtBound);
        Assert.Equal(TemperatureScaling.MinTemperature, fit.Temperature, 12);
    }

    [Fact]
    public void A_model_that_is_always_wrong_wants_the_highest_temperature()
    {
        var fit = TemperatureScaling.Fit(Logits.Of((Happy, Sad, 1), (Sad, Happy, 1)));

        Assert.True(fit.AtBound);
        Assert.Equal(TemperatureScaling.MaxTemperature, fit.Temperature, 12);
    }

    [Fact]
    public void Huge_logits_do_not_break_the_search()
    {
        var fit = TemperatureScaling.Fit(Logits.Of((Happy, Happy, 40), (Happy, Happy, 40), (Sad, Happy, 40), (Sad, Sad, 1e6f)));

        Assert.True(double.IsFinite(fit.NllAfter));
        Assert.InRange(fit.Temperature, TemperatureScaling.MinTemperature, TemperatureScaling.MaxTemperature);
    }
}
