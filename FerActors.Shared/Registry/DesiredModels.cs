namespace FerActors.Shared.Registry;

/// <summary>What every inference node should serve. Written by the model registry alone.</summary>
/// <param name="Sequence">Sequence number of the registry's event that made it; a higher one replaces a lower one.</param>
/// <param name="Champion">Answers what the canary does not; <see langword="null"/> before the first promotion: nodes then serve <c>Model:Path</c>.</param>
/// <param name="Canary">Answers a share of the images.</param>
/// <param name="Shadow">Sees a share of the images beside the champion and never answers.</param>
public sealed record DesiredModels(long Sequence, ModelPointer? Champion, SecondModel? Canary = null, SecondModel? Shadow = null)
{
    public static DesiredModels None { get; } = new(0, null);
}

/// <summary>One immutable version and what its weights must be.</summary>
/// <param name="Version">The version.</param>
/// <param name="Folder">Its folder, relative to the registry's root (<c>Registry:Root</c>) of each node.</param>
/// <param name="Files">Lower-case hexadecimal SHA-256 by file name; a node loads the folder only where all of them match.</param>
public sealed record ModelPointer(ModelVersionId Version, string Folder, IReadOnlyDictionary<string, string> Files)
{
    public const string WeightsFile = "model.safetensors";

    /// <summary>SHA-256 of the weights, as results name it.</summary>
    public string WeightsSha256 => Files.TryGetValue(WeightsFile, out var digest) ? digest : "";

    public bool Equals(ModelPointer? other) =>
        other is not null
        && Version == other.Version
        && Folder == other.Folder
        && Files.Count == other.Files.Count
        && Files.All(f => other.Files.TryGetValue(f.Key, out var digest) && digest == f.Value);

    public override int GetHashCode() => HashCode.Combine(Version, Folder, Files.Count);
}

/// <param name="Model">The version.</param>
/// <param name="Share">Share of the images that it gets, above 0 and at most 1.</param>
public sealed record SecondModel(ModelPointer Model, double Share);
