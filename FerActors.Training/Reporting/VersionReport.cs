using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Robustness;

namespace FerActors.Training.Reporting;

/// <summary>All that one evaluation of one model version found: the content of report.json, from which the two other forms are made.</summary>
public sealed record VersionReport
{
    /// <summary>Version of the file's form.</summary>
    public int Schema { get; init; } = 1;

    public required ModelIdentity Model { get; init; }

    /// <summary>The temperature that the model carries.</summary>
    public required double Temperature { get; init; }

    /// <summary>Number of trained numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>One evaluation for each view, the plain one first.</summary>
    public required IReadOnlyList<ViewReport> Views { get; init; }

    /// <summary>The images of the plain view with the largest loss, the worst first.</summary>
    public required IReadOnlyList<Mistake> WorstMistakes { get; init; }

    /// <summary>What is reached under worse conditions; <see langword="null"/> where that was not asked for.</summary>
    public IReadOnlyList<RobustnessRow>? Robustness { get; init; }

    /// <summary>The run's epochs; empty where its log is not at hand.</summary>
    public IReadOnlyList<EpochRecord> Epochs { get; init; } = [];
}

/// <param name="View">How the images were looked at.</param>
/// <param name="Passes">Forward passes an image: what the view costs.</param>
/// <param name="Evaluation">What was found.</param>
public sealed record ViewReport(TestTimeView View, int Passes, EvaluationReport Evaluation);

/// <summary>One image that was judged badly. The image itself is not in the report.</summary>
/// <param name="Row">Row in the CSV, whose header is row 1; of an image folder the image's number in the order of reading, plus 2.</param>
/// <param name="Label">What it is said to be.</param>
/// <param name="Predicted">What the model says.</param>
/// <param name="Confidence">Calibrated probability of the prediction.</param>
/// <param name="Loss">Negative logarithm of the calibrated probability of the label, in nats.</param>
public sealed record Mistake(int Row, Expression Label, Expression Predicted, double Confidence, double Loss);
