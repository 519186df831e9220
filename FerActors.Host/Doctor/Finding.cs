namespace FerActors.Host.Doctor;

/// <summary>What a check saw.</summary>
/// <param name="Check">What was looked at, in two or three words.</param>
/// <param name="Level">Whether a node can work with it.</param>
/// <param name="Text">A sentence.</param>
/// <param name="Remedy">What to do; absent where nothing has to be done.</param>
internal sealed record Finding(string Check, FindingLevel Level, string Text, string? Remedy = null)
{
    public static Finding Ok(string check, string text) => new(check, FindingLevel.Ok, text);

    public static Finding Skipped(string check, string text) => new(check, FindingLevel.Skipped, text);

    public static Finding Warning(string check, string text, string remedy) => new(check, FindingLevel.Warning, text, remedy);

    public static Finding Failure(string check, string text, string remedy) => new(check, FindingLevel.Failure, text, remedy);
}

internal enum FindingLevel
{
    Ok,

    /// <summary>It could not be looked at, or does not concern this node.</summary>
    Skipped,

    /// <summary>A node works, and something will hurt it.</summary>
    Warning,

    /// <summary>A node does not work.</summary>
    Failure,
}
