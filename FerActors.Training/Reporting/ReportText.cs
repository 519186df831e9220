using System.Globalization;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Reporting;

/// <summary>Sentences and cells that the Markdown and the HTML share.</summary>
internal static class ReportText
{
    public static string Calibration(VersionReport report)
    {
        var plain = report.Views[0].Evaluation;
        return $"{Temperatures(report, plain)}{(plain.CalibratedOnVotes ? " The temperatures make a probability that of the majority of the voters naming the class, not that of the data's label." : "")}";
    }

    private static string Temperatures(VersionReport report, EvaluationReport plain) => plain.CrossFit is { } folds
        ? string.Create(
                CultureInfo.InvariantCulture,
                $"Calibrated figures are cross-fitted: the images are cut into {folds.Count} stratified parts, and each is judged at the temperature fitted on the others ({string.Join(", ", folds.Select(fold => fold.Temperature.ToString("F3", CultureInfo.InvariantCulture)))}). The model carries {report.Temperature:F3}; a fit over all of these images gives {plain.Calibration!.Temperature:F3}.")
        : string.Create(CultureInfo.InvariantCulture, $"Calibrated figures are at the temperature that the model carries, {report.Temperature:F3}.");

    public static string Intervals(EvaluationReport report) => report.Intervals is { } drawn
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"In brackets: 95 % intervals, Wilson's for rates, for the others from {drawn.Resamples:N0} bootstrap draws (seed {drawn.Seed}). They cover the choice of the images, not the choice of the model by them. The cost of a view is its number of forward passes an image.")
        : "In brackets: 95 % Wilson intervals.";

    /// <summary>Heads of the table of a report's votes; the first is the view's.</summary>
    public static IReadOnlyList<string> VoteHeads { get; } =
        ["View", "Agreement", "Where most agree", "Macro-F1", "ECE", "ECE calibrated", "Cross-entropy, calibrated (nats)"];

    /// <summary>The cells of a view's votes behind its name: proportions with their intervals, the last in nats.</summary>
    public static IReadOnlyList<VoteCell> VoteCells(EvaluationReport report)
    {
        var votes = report.Votes!;
        var calibrated = report.CalibratedVotes ?? votes;
        return
        [
            new(votes.Majority?.Accuracy, votes.Majority?.AccuracyInterval),
            new(votes.AgreementWhereMostAgree, votes.AgreementWhereMostAgreeInterval),
            new(votes.Majority?.MacroF1),
            new(votes.Majority?.Ece),
            new(calibrated.Majority?.Ece),
            new(calibrated.CrossEntropy, Nats: true),
        ];
    }

    /// <summary>What the figures of the votes are of.</summary>
    public static string Votes(VoteMetrics votes) => string.Create(
        CultureInfo.InvariantCulture,
        $"{votes.Count:N0} images have usable votes, {votes.Majority?.Count ?? 0:N0} a majority, and on {votes.MostAgree:N0} more than half of the voters agree. F1 and ECE are against the majority. The cross-entropy is that of the votes' distribution; their own entropy, {votes.Entropy:F4} nats, is the least there can be.");

    public static string WithRange(VoteCell cell) => cell.Nats ? EvaluationMarkdown.Number(cell.Value ?? 0) : WithRange(cell.Value, cell.Interval);

    public static string WithRange(double? value, Interval? interval) => interval is { } range
        ? $"{EvaluationMarkdown.Percent(value)} ({EvaluationMarkdown.Percent(range.Low)} to {EvaluationMarkdown.Percent(range.High)})"
        : EvaluationMarkdown.Percent(value);
}

/// <summary>One figure about votes: a proportion with its interval, or a number of nats.</summary>
internal sealed record VoteCell(double? Value, Interval? Interval = null, bool Nats = false);
