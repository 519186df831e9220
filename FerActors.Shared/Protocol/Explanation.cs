using FerActors.Shared.Labels;

namespace FerActors.Shared.Protocol;

/// <summary>How an explanation is made.</summary>
public enum ExplanationMethod
{
    /// <summary>Attention rollout (Abnar and Zuidema 2020): where the network looked; the same for every expression.</summary>
    Rollout = 0,

    /// <summary>Attention weighted by its gradient for one expression (Chefer et al., ICCV 2021): what spoke for that expression.</summary>
    Gradient = 1,
}

/// <summary>What the publisher wants explained.</summary>
/// <param name="Method">How.</param>
/// <param name="Label">Which expression, for <see cref="ExplanationMethod.Gradient"/>; the predicted one where absent.</param>
public sealed record ExplanationRequest(ExplanationMethod Method, Expression? Label = null)
{
    /// <summary>Reads <c>rollout</c>, <c>gradient</c> or <c>gradient:NAME</c>.</summary>
    public static bool TryParse(string? value, out ExplanationRequest? request)
    {
        var (method, label) = value?.Split(':', 2, StringSplitOptions.TrimEntries) switch
        {
            [var only] => (only.ToLowerInvariant(), null),
            [var name, var of] => (name.ToLowerInvariant(), of),
            _ => ("", null),
        };
        request = (method, label) switch
        {
            ("rollout", null) => new ExplanationRequest(ExplanationMethod.Rollout),
            ("gradient", null) => new ExplanationRequest(ExplanationMethod.Gradient),
            ("gradient", _) when ExpressionNames.TryParse(label, out var expression) => new ExplanationRequest(ExplanationMethod.Gradient, expression),
            _ => null,
        };
        return request is not null;
    }
}

/// <summary>How much each patch of the crop counted.</summary>
/// <param name="Method"><c>rollout</c> or <c>gradient</c>.</param>
/// <param name="Label">The expression that is explained; absent for <c>rollout</c>, which is the same for all.</param>
/// <param name="Grid">Rows of patches from the upper left, each 0 to 1; the largest is 1, or all are 0 where nothing spoke for the expression.</param>
public sealed record FaceExplanation(string Method, Expression? Label, IReadOnlyList<IReadOnlyList<float>> Grid);
