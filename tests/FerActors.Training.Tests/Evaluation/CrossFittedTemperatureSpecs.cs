using FerActors.Shared.Labels;
using FerActors.Testing.Models;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Tests.Evaluation;

public sealed class CrossFittedTemperatureSpecs
{
    [Fact]
    public void No_image_is_judged_with_a_temperature_that_saw_it()
    {
        var drawn = Logits.Drawn(600, 2);

        var (fit, calibrated) = CrossFittedTemperature.Of(drawn);

        var seen = new int[ExpressionNames.Count];
        var foldOf = Enumerable.Range(0, drawn.Count).Select(i => seen[(int)drawn.Label(i)]++ % 2).ToArray();
        for (var fold = 0; fold < 2; fold++)
        {
            var other = TemperatureScaling.Fit(drawn.Select([.. Enumerable.Range(0, drawn.Count).Where(i => foldOf[i] != fold)]));
            Assert.Equal(other.Temperature, fit.Folds[fold].Temperature);
            Assert.Equal((other.Count, drawn.Count - other.Count), (fit.Folds[fold].FittedOn, fit.Folds[fold].Judged));
            var first = Array.IndexOf(foldOf, fold);
            Assert.Equal((float)(drawn.Logits(first)[0] / other.Temperature), calibrated.Logits(first)[0]);
        }

        Assert.Equal(TemperatureScaling.Fit(drawn), fit.Shipped);
        Assert.InRange(fit.MeanTemperature, 1.6, 2.4);
    }

    [Fact]
    public void A_single_image_has_no_held_out_part() =>
        Assert.Throws<ArgumentException>(() => CrossFittedTemperature.Of(Logits.Of((Expression.Happy, Expression.Happy, 1))));

    [Fact]
    public void The_same_seed_draws_the_same_intervals_and_they_hold_the_figures()
    {
        var drawn = Logits.Drawn(600, 2);

        var report = EvaluationReport.CrossFitted(drawn, FerUsage.PublicTest, "abc", TestTimeView.Plain);
        var again = EvaluationReport.CrossFitted(drawn, FerUsage.PublicTest, "abc", TestTimeView.Plain);

        var intervals = report.Intervals!;
        Assert.Equal(intervals, again.Intervals);
        Assert.NotEqual(intervals, EvaluationReport.CrossFitted(drawn, FerUsage.PublicTest, "abc", TestTimeView.Plain, seed: 2).Intervals);
        Assert.InRange(report.Metrics.MacroF1, intervals.MacroF1.Low, intervals.MacroF1.High);
        Assert.InRange(report.Metrics.BalancedAccuracy, intervals.BalancedAccuracy.Low, intervals.BalancedAccuracy.High);
        Assert.True(report.Calibrated!.Ece < report.Metrics.Ece);
        Assert.True(intervals.CalibratedEce.High < intervals.Ece.Low);
    }
}
