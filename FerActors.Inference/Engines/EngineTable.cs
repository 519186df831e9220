namespace FerActors.Inference.Engines;

/// <summary>Gives each batch to the engine that takes its class of sizes, and owns these engines.</summary>
internal sealed class EngineTable : IForwardEngine
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

    public string Name => string.Join(", ", _engines.Select(engine => engine.Name).Distinct());

    public (float[] Logits, float[] Embeddings) Run(float[] planes, int count) => _engines[BatchClasses.Of(_upTo, count)].Run(planes, count);

    public void Dispose()
    {
        foreach (var engine in _engines.Distinct())
        {
            engine.Dispose();
        }
    }
}
