namespace FerActors.Vision.Checkpoints;

/// <summary>A checkpoint's tensors do not make up the network of its configuration. The message names the first few at fault.</summary>
public sealed class CheckpointException : FormatException
{
    public CheckpointException()
    {
    }

    public CheckpointException(string message)
        : base(message)
    {
    }

    public CheckpointException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
