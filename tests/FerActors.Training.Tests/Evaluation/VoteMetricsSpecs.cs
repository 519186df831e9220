using System.Text.Json;
using FerActors.Shared.Protocol;
using FerActors.Testing.Models;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Reporting;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using static FerActors.Shared.Labels.Expression;

namespace FerActors.Training.Tests.Evaluation;

public sealed class VoteMetricsSpecs
{
    // The model says Happy, Happy, Sad, Fear and Neutral with all but certainty; the labels say otherwise, and so do some voters.
    private static readonly Predictions Voted = Logits.Of((Sad, Happy, 9), (Happy, Happy, 9), (Sad, Sad, 9), (Fear, Fear, 9), (Angry, Neutral, 9))
        .WithVotes(
        [
            0, 0, 0, 8, 2, 0, 0, // Happy, most agree
            4, 0, 0, 2, 0, 2, 2, // Angry, though less than half
            5, 0, 0, 0, 5, 0, 0, // a tie
            0, 0, 6, 0, 0, 0, 4, // Fear, most agree
            0, 0, 0, 0, 0, 0, 0, // no usable votes
        ]);

    [Fact]
    public void Agreement_is_with_the_class_that_most_people_named_and_a_tie_is_left_out()
    {
        var votes = VoteMetrics.Compute(Voted)!;

        Assert.Equal((4, 3, 2), (votes.Count, votes.Majority!.Count, votes.Majority.Correct));
        Assert.Equal(2.0 / 3, votes.Majority.Accuracy, 1e-12);
        Assert.Equal([1, 0, 1, 1, 0, 0, 0], votes.Majority.Classes.Select(c => c.Support));
        Assert.Equal((2, 2, 1.0), (votes.MostAgree, votes.MostAgreeCorrect, votes.AgreementWhereMostAgree));
    }

    [Fact]
    public void The_cross_entropy_is_that_of_all_the_votes_and_never_below_their_entropy()
    {
        var temperature = 3.0;
        var votes = VoteMetrics.Compute(Voted, temperature)!;

        double expected = 0, entropy = 0;
        for (var i = 0; i < 4; i++)
        {
            for (var c = 0; c < 7; c++)
            {
                var share = Voted.Votes(i)[c] / 10.0;
                expected += share * Softmax.NegativeLogLikelihood(Voted.Logits(i), c, temperature) / 4;
                entropy -= share == 0 ? 0 : share * Math.Log(share) / 4;
            }
        }

        Assert.Equal(expected, votes.CrossEntropy, 1e-12);
        Assert.Equal(entropy, votes.Entropy, 1e-12);
        Assert.True(votes.CrossEntropy > votes.Entropy);
    }

    [Fact]
    public void A_model_that_answers_the_shares_themselves_reaches_the_entropy()
    {
        var logits = new float[] { 0, 0, 0, MathF.Log(0.8f), MathF.Log(0.2f), 0, 0 };
        for (var c = 0; c < 7; c++)
        {
            logits[c] = c is 3 or 4 ? logits[c] : -60;
        }

        var votes = VoteMetrics.Compute(new Predictions(logits, [Happy], [0, 0, 0, 8, 2, 0, 0]))!;

        Assert.Equal(votes.Entropy, votes.CrossEntropy, 1e-6);
    }

    [Fact]
    public void Votes_go_with_their_images_through_every_choice_and_average()
    {
        var chosen = Voted.Select([3, 0]);
        var averaged = Predictions.Average([Voted, Voted]).DividedBy(_ => 2);

        Assert.Equal([(byte)6, (byte)8], new[] { chosen.Votes(0)[(int)Fear], chosen.Votes(1)[(int)Happy] });
        Assert.Equal(VoteMetrics.Compute(Voted)!.Majority!.Correct, VoteMetrics.Compute(averaged)!.Majority!.Correct);
        Assert.True(Voted.Votes(4).IsEmpty);
        Assert.Null(VoteMetrics.Compute(Voted.Select([4])));
        Assert.Null(VoteMetrics.Compute(Logits.Drawn(5, 1)));
        Assert.Throws<ArgumentException>(() => Voted.WithVotes([1, 2]));
    }

    [Fact]
    public void A_temperature_on_votes_is_that_of_the_majority_and_without_votes_that_of_the_labels()
    {
        // The labels were drawn at temperature 2, and everybody votes for the most probable class.
        var drawn = Logits.Drawn(2000, 2);
        var certain = new byte[drawn.Count * 7];
        for (var i = 0; i < drawn.Count; i++)
        {
            certain[(i * 7) + Softmax.ArgMax(drawn.Logits(i))] = 10;
        }

        var voted = drawn.WithVotes(certain);

        Assert.Equal(TemperatureScaling.MinTemperature, TemperatureScaling.Fit(voted, onVotes: true).Temperature);
        Assert.InRange(TemperatureScaling.Fit(voted, onVotes: false).Temperature, 1.7, 2.3);
        Assert.Equal(TemperatureScaling.Fit(drawn).Temperature, TemperatureScaling.Fit(drawn, onVotes: true).Temperature);
        var report = EvaluationReport.CrossFitted(voted, FerUsage.PublicTest, "abc", TestTimeView.Plain, onVotes: true);
        Assert.True(report.CalibratedOnVotes);
        Assert.All(report.CrossFit!, fold => Assert.Equal(TemperatureScaling.MinTemperature, fold.Temperature));
        Assert.True(report.CalibratedVotes!.Majority!.Ece < report.Votes!.Majority!.Ece);
        Assert.False(EvaluationReport.CrossFitted(drawn, FerUsage.PublicTest, "abc", TestTimeView.Plain, onVotes: true).CalibratedOnVotes);
    }

    [Fact]
    public void The_votes_of_a_data_set_reach_the_predictions_of_moved_images_too()
    {
        var data = TinyRun.Data(5);
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(data), data);
        using var model = TinyRun.Model();
        var preprocessor = FerActors.Vision.Configuration.PreprocessorConfig.For(model.Config);

        var predictions = ModelEvaluation.Predict(model, preprocessor, MovedImages.Of(voted, 2, 0, mirrored: true), flip: false);

        Assert.Equal(voted.AllVotes(), Enumerable.Range(0, 5).SelectMany(i => predictions.Votes(i).ToArray()));
        Assert.False(ModelEvaluation.Predict(model, preprocessor, data, flip: false).HasVotes);
    }

    [Fact]
    public void Every_form_of_a_report_has_the_figures_where_there_are_votes_and_none_where_there_are_not()
    {
        var (with, without) = (Report(Voted), Report(Voted.Select([4, 4])));

        Assert.Contains("| plain | 66.67 (20.77 to 93.85) | 100.00 (34.24 to 100.00) |", ReportMarkdown.Build(with), StringComparison.Ordinal);
        Assert.Contains("4 images have usable votes, 3 a majority, and on 2 more than half", ReportMarkdown.Build(with), StringComparison.Ordinal);
        Assert.Contains("<span>Agreement with the majority</span><b>66.67 %</b>", ReportHtml.Build(with), StringComparison.Ordinal);
        Assert.Contains("| Agreement with the majority (95 % interval) | 66.67 (20.77 to 93.85) |", EvaluationMarkdown.Tables(with.Views[0].Evaluation), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(MetricsJson.Serialize(with.Views[0].Evaluation));
        Assert.Equal(1.0, json.RootElement.GetProperty("votes").GetProperty("agreement_where_most_agree").GetDouble());
        Assert.Equal(2.0 / 3, json.RootElement.GetProperty("votes").GetProperty("majority").GetProperty("accuracy").GetDouble(), 1e-12);
        var again = ReportFiles.ToJson(with);
        Assert.Equal(again, ReportFiles.ToJson(ReportFiles.FromJson(again)));
        Assert.All(
            [ReportMarkdown.Build(without), ReportHtml.Build(without), EvaluationMarkdown.Tables(without.Views[0].Evaluation)],
            text => Assert.DoesNotContain("majority", text, StringComparison.OrdinalIgnoreCase));
        Assert.All(
            EvaluationMarkdown.Summary(with.Views[0].Evaluation).TrimEnd().Split('\n').Select(line => line.Count(c => c == '|')), bars => Assert.Equal(4, bars));
    }

    private static VersionReport Report(Predictions predictions) => new()
    {
        Model = new ModelIdentity("name", "1", "abc"),
        Temperature = 1,
        Parameters = 1,
        Views = [new ViewReport(TestTimeView.Plain, 1, EvaluationReport.AtTemperature(predictions, FerUsage.PublicTest, "abc", TestTimeView.Plain, 2))],
        WorstMistakes = [],
    };
}
