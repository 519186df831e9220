namespace FerActors.Shared.Registry;

/// <summary>Proves that a folder holds a model that can serve. The registry knows files and digests; what a network is, it asks here.</summary>
public interface IModelInspector
{
    /// <summary>The names of the files without which there is no model.</summary>
    IReadOnlyList<string> RequiredFiles { get; }

    /// <summary>The name of the file whose SHA-256 names the model's weights.</summary>
    string WeightsFile { get; }

    /// <summary>Loads the model, lets it answer and reads its metrics. Blocks for as long as that takes.</summary>
    /// <param name="folder">A folder with at least <see cref="RequiredFiles"/>.</param>
    /// <exception cref="ModelStoreException">The folder holds no model that can serve.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    ModelInspection Inspect(string folder);
}

/// <param name="WeightsSha256">SHA-256 of the weights as they were read, in lower-case hexadecimal digits.</param>
/// <param name="Metrics">The figures that gates compare; <see langword="null"/> where the folder has no evaluation.</param>
public sealed record ModelInspection(string WeightsSha256, ModelMetrics? Metrics);
