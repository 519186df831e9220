using FerActors.Shared.Labels;

namespace FerActors.Training.Evaluation;

/// <summary>How one class fares.</summary>
public sealed record ClassMetrics
{
    public required Expression Expression { get; init; }

    /// <summary>Images that carry this label.</summary>
    public required int Support { get; init; }

    /// <summary>Images that the model gives this label.</summary>
    public required int Predicted { get; init; }

    /// <summary>Share of the images called this that are this; null where none is called this.</summary>
    public required double? Precision { get; init; }

    /// <summary>95 % Wilson interval of the precision.</summary>
    public Interval? PrecisionInterval { get; init; }

    /// <summary>Share of the images that are this that are called this; null where there are none.</summary>
    public required double? Recall { get; init; }

    /// <summary>95 % Wilson interval of the recall.</summary>
    public required Interval? RecallInterval { get; init; }

    /// <summary>2 tp / (2 tp + fp + fn); null where the class occurs neither in the labels nor in the predictions.</summary>
    public required double? F1 { get; init; }
}
