namespace FerActors.Host.Broker;

/// <summary>A queue or exchange exists with other arguments than the options ask for. The message says what to do.</summary>
public sealed class TopologyMismatchException : Exception
{
    public TopologyMismatchException()
    {
    }

    public TopologyMismatchException(string message)
        : base(message)
    {
    }

    public TopologyMismatchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
