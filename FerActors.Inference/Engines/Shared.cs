namespace FerActors.Inference.Engines;

/// <summary>Something that several own, such as the weights of the instances on one device: it goes with its last owner.</summary>
/// <param name="value">What is owned.</param>
internal sealed class Shared<T>(T value) : IDisposable
    where T : IDisposable
{
    private int _owners = 1;

    public T Value => value;

    /// <summary>One more owner, who disposes it too.</summary>
    /// <exception cref="ObjectDisposedException">The last owner has gone.</exception>
    public Shared<T> Share()
    {
        int before;
        do
        {
            before = Volatile.Read(ref _owners);
            ObjectDisposedException.ThrowIf(before == 0, this);
        }
        while (Interlocked.CompareExchange(ref _owners, before + 1, before) != before);

        return this;
    }

    /// <summary>One owner less; each disposes it once.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _owners) == 0)
        {
            value.Dispose();
        }
    }
}
