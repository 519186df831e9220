namespace FerActors.Training.Hub;

/// <summary>A checkpoint could not be had from the Hub. The message never holds the token, nor the query of a signed address.</summary>
public sealed class HubException : IOException
{
    public HubException()
    {
    }

    public HubException(string message)
        : base(message)
    {
    }

    public HubException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public HubException(HubFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    public HubFailure Failure { get; } = HubFailure.Protocol;

    internal static HubException Invalid(string message) => new(HubFailure.Invalid, message);
}
