using System.Globalization;

namespace FerActors.Inference.Engines;

/// <summary>Which engine takes the batches of a class of sizes.</summary>
/// <param name="From">The class's smallest batch, in faces.</param>
/// <param name="UpTo">Its largest.</param>
/// <param name="Engine">Library and compute type, such as <c>libtorch bf16</c>.</param>
public sealed record EngineClass(int From, int UpTo, string Engine)
{
    /// <summary>Milliseconds of the largest batch of the class by engine; empty where the choice was cached or there was none.</summary>
    public IReadOnlyDictionary<string, double> Milliseconds { get; init; } = new Dictionary<string, double>();

    /// <summary>The sizes, such as <c>5-8</c>.</summary>
    public string Sizes => UpTo == int.MaxValue ? $"{From} or more" : From == UpTo ? $"{From}" : $"{From}-{UpTo}";
}

/// <summary>What computes a model's forward passes, and how that was decided.</summary>
/// <param name="Classes">One for each class of batch sizes, ascending.</param>
public sealed record EngineReport(IReadOnlyList<EngineClass> Classes)
{
    /// <summary>What else the operator should know of the choice, each a sentence: an engine that was left out, a cache that is of no use.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The choice was read from the cache, and only the agreement was checked.</summary>
    public bool Cached { get; init; }

    /// <summary>The choice in a few words, such as <c>onnxruntime fp32 for 1, libtorch bf16 for 2-32</c>.</summary>
    public string Words => string.Join(", ", Merged().Select(run => $"{run.Engine} for {run.Sizes}"));

    /// <summary>The choice in one sentence.</summary>
    public string Sentence
    {
        get
        {
            var taken = Merged().Select(run => $"{run.Engine} for {run.Sizes} {(run.UpTo == 1 ? "face" : "faces")}{Compared(run)}");
            return $"Forward passes are computed by {string.Join(", ", taken)}{(Cached ? ", as measured at an earlier start" : "")}.";
        }
    }

    // Neighbouring classes of one engine as one.
    private List<EngineClass> Merged()
    {
        var merged = new List<EngineClass>();
        foreach (var next in Classes)
        {
            if (merged.Count > 0 && merged[^1].Engine == next.Engine)
            {
                merged[^1] = next with { From = merged[^1].From };
            }
            else
            {
                merged.Add(next);
            }
        }

        return merged;
    }

    private static string Compared(EngineClass run)
    {
        if (run.Milliseconds.Count < 2)
        {
            return "";
        }

        var others = run.Milliseconds.Where(time => time.Key != run.Engine).Select(time => string.Create(CultureInfo.InvariantCulture, $"{time.Key} {time.Value:0.0}"));
        return string.Create(CultureInfo.InvariantCulture, $" ({run.Milliseconds[run.Engine]:0.0} ms for {run.UpTo}; {string.Join(", ", others)})");
    }
}
