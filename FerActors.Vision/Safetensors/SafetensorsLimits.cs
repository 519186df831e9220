namespace FerActors.Vision.Safetensors;

/// <summary>
/// Bounds on a header. The first is the format's; the others are ours, far above any real checkpoint, and keep the cost of a hostile
/// header at a small multiple of its own length.
/// </summary>
public static class SafetensorsLimits
{
    /// <summary>Longest header in bytes.</summary>
    public const int HeaderBytes = 100_000_000;

    /// <summary>Most tensors in a file.</summary>
    public const int Tensors = 100_000;

    /// <summary>Most entries of <c>__metadata__</c>.</summary>
    public const int MetadataEntries = 10_000;

    /// <summary>Most dimensions of a tensor.</summary>
    public const int Rank = 32;

    /// <summary>Longest name of a tensor or key of <c>__metadata__</c>, in bytes of JSON.</summary>
    public const int NameBytes = 4096;
}
