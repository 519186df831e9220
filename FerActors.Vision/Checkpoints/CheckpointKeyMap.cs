using FerActors.Vision.Configuration;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Checkpoints;

/// <summary>Which tensor of a file is which parameter of the network; made by <see cref="CheckpointKeys.Map"/>.</summary>
public sealed class CheckpointKeyMap
{
    private const int Shown = 5;

    private readonly VitConfig _config;

    internal CheckpointKeyMap(
        VitConfig config,
        IReadOnlyDictionary<string, TensorSource> sources,
        IReadOnlyList<string> ignored,
        IReadOnlyList<string> unexpected,
        IReadOnlyList<string> missing)
    {
        _config = config;
        Sources = sources;
        Ignored = ignored;
        Unexpected = unexpected;
        Missing = missing;
    }

    /// <summary>The tensors by the parameters' legacy names.</summary>
    public IReadOnlyDictionary<string, TensorSource> Sources { get; }

    /// <summary>Names in the file that are known and not needed: the pooler and the mask token.</summary>
    public IReadOnlyList<string> Ignored { get; }

    /// <summary>Names in the file that mean nothing in this network.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>Legacy names of the parameters that the file lacks, the classifier's among them.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Whether the file has the whole classifier. A checkpoint of the bare backbone has none of it.</summary>
    public bool HasClassifier => CheckpointKeys.ClassifierNames.All(Sources.ContainsKey);

    /// <summary>Makes sure that the file has all parameters of the network and nothing that it does not know.</summary>
    /// <param name="requireClassifier">Whether a file without any classifier is refused too.</param>
    /// <exception cref="CheckpointException">It does not; the first few names are given.</exception>
    public void EnsureComplete(bool requireClassifier)
    {
        var mayLackClassifier = !requireClassifier && !CheckpointKeys.ClassifierNames.Any(Sources.ContainsKey);
        var missing = Missing.Where(name => !mayLackClassifier || !CheckpointKeys.ClassifierNames.Contains(name)).ToList();
        if (missing.Count == 0 && Unexpected.Count == 0)
        {
            return;
        }

        var faults = new List<string>();
        if (missing.Count > 0)
        {
            faults.Add($"it lacks {missing.Count} parameters ({Listed(missing)})");
        }

        if (Unexpected.Count > 0)
        {
            faults.Add($"it has {Unexpected.Count} tensors that are not known ({Listed(Unexpected)})");
        }

        throw new CheckpointException($"The checkpoint is not that of its configuration: {string.Join(" and ", faults)}.");
    }

    /// <summary>Compares the shapes in the file with those of the network.</summary>
    /// <param name="tensors"><see cref="SafetensorsFile.Tensors"/> of the file that the map was made for.</param>
    /// <returns>
    /// The parameters that differ; empty where all fit. Position embeddings of another grid (see <see cref="PositionEmbeddings"/>) and
    /// a classifier of another number of classes stand there as well: whether they are an error is for the caller to say.
    /// </returns>
    /// <exception cref="CheckpointException">A tensor cannot be cut into its parts.</exception>
    public IReadOnlyList<ShapeMismatch> FindShapeMismatches(IReadOnlyDictionary<string, TensorInfo> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var mismatches = new List<ShapeMismatch>();
        foreach (var (name, expected) in CheckpointKeys.ExpectedShapes(_config))
        {
            if (!Sources.TryGetValue(name, out var source))
            {
                continue;
            }

            var whole = tensors[source.Name].Shape;
            var actual = source.ShapeWithin(whole) ?? throw new CheckpointException(
                $"Tensor {SafetensorsHeader.Quote(source.Name)} [{string.Join(",", whole)}] "
                + $"cannot be cut into {source.Parts} equal parts.");
            if (!actual.AsSpan().SequenceEqual(expected))
            {
                mismatches.Add(new ShapeMismatch(name, expected, actual));
            }
        }

        return mismatches;
    }

    /// <summary>Makes sure that the shapes in the file are those of the network.</summary>
    /// <param name="tensors"><see cref="SafetensorsFile.Tensors"/> of the file that the map was made for.</param>
    /// <param name="except">Legacy names that may differ.</param>
    /// <exception cref="CheckpointException">A shape differs; the first few are given.</exception>
    public void EnsureShapes(IReadOnlyDictionary<string, TensorInfo> tensors, params IReadOnlyList<string> except)
    {
        var mismatches = FindShapeMismatches(tensors).Where(mismatch => !except.Contains(mismatch.Name)).ToList();
        if (mismatches.Count > 0)
        {
            var list = string.Join("; ", mismatches.Take(Shown));
            throw new CheckpointException(
                $"{mismatches.Count} parameters of the checkpoint have another shape than its configuration gives them: {list}.");
        }
    }

    private static string Listed(IReadOnlyList<string> names)
    {
        var list = string.Join(", ", names.Take(Shown).Select(SafetensorsHeader.Quote));
        return names.Count <= Shown ? list : list + ", ...";
    }
}
