using FerActors.Inference.Engines;

namespace FerActors.Inference.Tests.Engines;

/// <summary>Takes scripted time for a batch, by a clock that it turns itself.</summary>
internal sealed class FakeEngine(string name, TurnedClock clock, Func<int, double> milliseconds) : IForwardEngine
{
    public string Name => name;

    public bool Disposed { get; private set; }

    public List<int> Batches { get; } = [];

    public (float[] Logits, float[] Embeddings) Run(float[] planes, int count)
    {
        Assert.False(Disposed, "A disposed engine was asked.");
        Batches.Add(count);
        clock.Turn(TimeSpan.FromMilliseconds(milliseconds(count)));
        return (new float[count * 7], new float[count]);
    }

    public IForwardEngine Share() => new FakeEngine(name, clock, milliseconds);

    public void Dispose() => Disposed = true;
}

/// <summary>A clock that stands still until it is turned.</summary>
internal sealed class TurnedClock : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Turn(TimeSpan by) => _ticks += by.Ticks;
}
