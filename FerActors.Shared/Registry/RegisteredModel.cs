namespace FerActors.Shared.Registry;

/// <summary>One version in the registry.</summary>
/// <param name="Manifest">Its manifest.</param>
/// <param name="RegisteredAt">When it was registered, the last time.</param>
/// <param name="PromotedAt">When it was last promoted.</param>
/// <param name="Forced">What the gates said that its last promotion overrode; empty where they passed it.</param>
/// <param name="Quarantine">Why it may never be promoted again.</param>
/// <param name="Deleted">Its files are gone; its name stays bound to their content.</param>
public sealed record RegisteredModel(
    ModelManifest Manifest,
    DateTimeOffset RegisteredAt,
    DateTimeOffset? PromotedAt = null,
    IReadOnlyList<string>? Forced = null,
    string? Quarantine = null,
    bool Deleted = false)
{
    public ModelVersionId Version => Manifest.Version;

    public IReadOnlyList<string> Forced { get; init; } = Forced ?? [];
}
