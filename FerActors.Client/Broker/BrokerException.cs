namespace FerActors.Client.Broker;

/// <summary>There is no connection to the broker.</summary>
/// <param name="message">Says why, without the password.</param>
/// <param name="isRefusal">Trying again is of no use before somebody changes a password, a right or a name.</param>
/// <param name="cause">What the client library threw.</param>
internal sealed class BrokerException(string message, bool isRefusal, Exception? cause) : Exception(message, cause)
{
    public bool IsRefusal => isRefusal;
}
