using System.Net.Sockets;
using System.Security.Authentication;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Client.Broker;

/// <summary>
/// Says why there is no connection, with the broker's address and without the password. The client library has one sentence for all
/// causes, and keeps the cause in what it wraps.
/// </summary>
internal static class BrokerFault
{
    /// <summary>The sentence for a failed connection.</summary>
    /// <param name="uri">The configured address.</param>
    /// <param name="failure">What the client library threw.</param>
    public static string Describe(Uri uri, Exception failure)
    {
        ArgumentNullException.ThrowIfNull(uri);
        var secure = string.Equals(uri.Scheme, "amqps", StringComparison.OrdinalIgnoreCase);
        var port = uri.Port > 0 ? uri.Port : secure ? 5671 : 5672;
        var broker = $"The broker at {uri.Host}:{port}";
        var causes = CausesOf(failure).ToList();
        return First<SocketException>() is { } socket ? OfSocket(socket, uri.Host, broker, port)
            : First<AuthenticationException>() is { } tls
                ? $"{broker} does not offer TLS that can be trusted: {Inner(tls).TrimEnd('.')}."
            : IsBadLogin(failure) ? $"{broker} refuses the user '{UserOf(uri)}' or its password."
            : First<OperationInterruptedException>() is { } refused
                ? $"{broker} refuses: {refused.ShutdownReason?.ReplyText.TrimEnd('.') ?? "no reason is given"}."
            : First<TimeoutException>() is not null || First<OperationCanceledException>() is not null ? $"{broker} does not answer in time."
            : secure ? $"{broker} does not speak TLS; amqp:// is the address without it."
            : $"{broker} ends the connection at once: what listens there is no broker, or one that wants TLS (amqps://).";

        T? First<T>()
            where T : Exception => causes.OfType<T>().FirstOrDefault();
    }

    /// <summary>Whether trying again is of no use before somebody changes a password, a right or a name.</summary>
    public static bool IsRefusal(Exception failure) =>
        IsBadLogin(failure) || CausesOf(failure).Any(cause => cause is OperationInterruptedException { ShutdownReason.ReplyCode: 402 or 403 or 530 });

    private static bool IsBadLogin(Exception failure) =>
        CausesOf(failure).Any(cause => cause is AuthenticationFailureException or PossibleAuthenticationFailureException);

    private static string OfSocket(SocketException socket, string host, string broker, int port) => socket.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery =>
            $"The broker's name '{host}' cannot be resolved to an address.",
        SocketError.ConnectionRefused => $"No broker listens at {host}:{port}.",
        SocketError.ConnectionReset => $"{broker} ends the connection at once: what listens there is no broker, or one that wants TLS (amqps://).",
        _ => $"{broker} cannot be reached: {socket.Message.TrimEnd('.')}.",
    };

    private static string UserOf(Uri uri) => uri.UserInfo.Split(':') is [{ Length: > 0 } user, ..] ? Uri.UnescapeDataString(user) : "guest";

    private static string Inner(Exception e) => e.InnerException is { Message.Length: > 0 } inner ? inner.Message : e.Message;

    private static IEnumerable<Exception> CausesOf(Exception e)
    {
        IEnumerable<Exception?> inner = e is AggregateException several ? several.InnerExceptions : new[] { e.InnerException };
        return inner.OfType<Exception>().SelectMany(CausesOf).Prepend(e);
    }
}
