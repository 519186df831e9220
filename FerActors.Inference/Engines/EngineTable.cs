namespace FerActors.Inference.Engines;

/// <summary>Which engine takes the batches of each class of sizes.</summary>
internal sealed class EngineTable
{
    private readonly IReadOnlyList<int> _upTo;
    private readonly IReadOnlyList<IForwardEngine> _engines;

    /// <param name="upTo">The largest size of each class, ascending.</param>
    /// <param name="engines">The engine of each class; one may take several.</param>
    public EngineTable(IReadOnlyList<int> upTo, IReadOnlyList<IForwardEngine> engines)
    {
        if (upTo.Count == 0 || upTo.Count != engines.Count)
        {
            throw new ArgumentException($"There are {upTo.Count} classes and {engines.Count} engines.", nameof(engines));
        }

        (_upTo, _engines) = (upTo, engines);
    }

    /// <summary>One engine for all batches.</summary>
    public EngineTable(IForwardEngine engine)
        : this([int.MaxValue], [engine])
    {
    }

    /// <summary>The engines, each once.</summary>
    public IEnumerable<IForwardEngine> Engines => _engines.Distinct();

    /// <summary>The engine of a batch.</summary>
    /// <param name="size">Its images.</param>
    public IForwardEngine Of(int size) => _engines[BatchClasses.Of(_upTo, size)];

    /// <summary>The same classes with other engines in the places of these.</summary>
    public EngineTable Select(Func<IForwardEngine, IForwardEngine> other)
    {
        var others = Engines.ToDictionary(engine => engine, other);
        return new EngineTable(_upTo, [.. _engines.Select(engine => others[engine])]);
    }
}
