using System.Globalization;
using System.Text;
using FerActors.Training.Evaluation;
using FerActors.Training.Runs;

namespace FerActors.Training.Averaging;

/// <summary>The models beside one another, their mean and spread, and their average: Markdown.</summary>
public static class AverageTable
{
    private static readonly Column[] Columns =
        [.. new[] { TestTimeView.Plain, TestTimeView.Flip }.SelectMany(view => new Column[]
        {
            new($"{view.Name()} accuracy", "P2", outcome => In(outcome, view).Metrics.Accuracy),
            new($"{view.Name()} macro-F1", "0.000", outcome => In(outcome, view).Metrics.MacroF1),
            new($"{view.Name()} ECE", "0.000", outcome => In(outcome, view).Calibrated!.Ece),
        })];

    // Where people's votes are at hand.
    private static readonly Column[] VoteColumns =
        [.. new[] { TestTimeView.Plain, TestTimeView.Flip }.SelectMany(view => new Column[]
        {
            new($"{view.Name()} agreement", "P2", outcome => In(outcome, view).Votes!.Majority!.Accuracy),
            new($"{view.Name()} where most agree", "P2", outcome => In(outcome, view).Votes!.AgreementWhereMostAgree ?? 0),
            new($"{view.Name()} majority ECE", "0.000", outcome => In(outcome, view).CalibratedVotes!.Majority!.Ece),
        })];

    /// <summary>Makes the table. The spread is the sample's standard deviation; the ECE is that after (cross-fitted) calibration.</summary>
    public static string Of(AverageOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        var columns = outcome.Members.Append(outcome.Average).All(model => model.Plain.Votes?.Majority is not null && model.Flip.Votes?.Majority is not null)
            ? Columns.Concat(VoteColumns).ToList()
            : [.. Columns];
        var text = new StringBuilder();
        Append("Model", column => column.Name);
        Append("---", _ => "---:");
        foreach (var member in outcome.Members)
        {
            Append(TrainingFacts.Name(member.ModelFolder)!, column => column.Show(column.Value(member)));
        }

        Append("mean ± spread", column =>
        {
            var values = outcome.Members.Select(column.Value).ToList();
            var mean = values.Average();
            var spread = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
            return $"{column.Show(mean)} ± {column.Show(spread)}";
        });
        Append("average of the weights", column => column.Show(column.Value(outcome.Average)));
        return text.ToString();

        void Append(string first, Func<Column, string> cell) => EvaluationMarkdown.AppendRow(text, [first, .. columns.Select(cell)]);
    }

    private static EvaluationReport In(TrainingOutcome outcome, TestTimeView view) => view == TestTimeView.Flip ? outcome.Flip : outcome.Plain;

    private sealed record Column(string Name, string Format, Func<TrainingOutcome, double> Value)
    {
        public string Show(double value) => value.ToString(Format, CultureInfo.InvariantCulture);
    }
}
