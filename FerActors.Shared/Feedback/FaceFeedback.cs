using FerActors.Shared.Labels;

namespace FerActors.Shared.Feedback;

/// <summary>What somebody says of one classified face: a correction, or a confirmation where the label is the predicted one. It holds no picture.</summary>
/// <param name="MessageId">The id of the result.</param>
/// <param name="Face">The face's place in the result, from 0.</param>
/// <param name="Label">What the expression is.</param>
/// <param name="Predicted">What the result said.</param>
/// <param name="ModelVersion">The version that said it.</param>
/// <param name="Source">Who says so.</param>
public sealed record FaceFeedback(string MessageId, int Face, Expression Label, Expression Predicted, string ModelVersion, string Source)
{
    /// <summary>The model was right.</summary>
    public bool Confirms => Label == Predicted;
}
