using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using FerActors.Host.Broker;
using FerActors.Host.Client;
using FerActors.Host.Feedback;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Doctor;

/// <summary>
/// The way to the broker step by step, and what this user may do there. Nothing is declared, published to a queue or taken: rights are
/// asked for by requests that the broker refuses for another reason once it has found that the user has the right.
/// </summary>
internal sealed class BrokerChecks(FerOptions options)
{
    private const ushort AccessRefused = 403;
    private const ushort NotFound = 404;
    private const string Sooner = "Renew it; clients refuse it afterwards.";

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CertificateNotice = TimeSpan.FromDays(30);

    private readonly RabbitMqOptions _rabbit = options.RabbitMq;
    private IPAddress[] _addresses = [];
    private bool _listens;
    private IConnection? _connection;

    private Uri Address => new(_rabbit.Uri);

    private bool Secure => Address.Scheme == "amqps";

    private int Port => Address.Port > 0 ? Address.Port : Secure ? 5671 : 5672;

    private TimeSpan Limit => _rabbit.ConnectTimeout + TimeSpan.FromSeconds(2);

    /// <summary>The checks in their order; each needs those before it.</summary>
    public IEnumerable<Check> All() =>
    [
        new("broker name", Limit, NameAsync),
        new("broker port", Limit, PortAsync),
        new("broker TLS", Limit, TlsAsync),
        new("broker login", Limit, LoginAsync),
        .. Queues().Select(queue => new Check($"queue {queue.Name}", Limit, cancellation => QueueAsync(queue, cancellation))),
        new("broker exchange", Limit, WriteAsync),
        new("reply queues", Limit, ReplyAsync),
        new("broker connection", Limit, CloseAsync),
    ];

    private IEnumerable<WantedQueue> Queues()
    {
        var (inference, api, feedback) = (
            options.Cluster.Has(NodeRoles.Inference),
            options.Cluster.Has(NodeRoles.Api) && options.Api.Enabled,
            options.Cluster.Has(NodeRoles.Control) && options.Feedback.Enabled);
        if (inference || api)
        {
            yield return new(_rabbit.ImagesQueue, nameof(RabbitMqOptions.ImagesQueue), RabbitTopology.ImagesArguments(_rabbit), Read: inference);
            yield return new(_rabbit.DeadLetterQueue, nameof(RabbitMqOptions.DeadLetterQueue), RabbitTopology.DeadLetterArguments(_rabbit), Read: false);
            yield return new(_rabbit.ResultsQueue, nameof(RabbitMqOptions.ResultsQueue), RabbitTopology.ResultsArguments(), Read: false);
        }

        if (feedback)
        {
            yield return new(_rabbit.FeedbackQueue, nameof(RabbitMqOptions.FeedbackQueue), FeedbackTopology.Arguments(_rabbit), Read: true);
            yield return new(_rabbit.FeedbackDeadLetterQueue, nameof(RabbitMqOptions.FeedbackDeadLetterQueue), RabbitTopology.DeadLetterArguments(_rabbit), Read: false);
        }
    }

    private async Task<IReadOnlyList<Finding>> NameAsync(CancellationToken cancellation)
    {
        try
        {
            _addresses = await Dns.GetHostAddressesAsync(Address.DnsSafeHost, cancellation).ConfigureAwait(false);
            return [Finding.Ok("broker name", $"{Address.DnsSafeHost} is {string.Join(", ", _addresses.Select(address => address.ToString()))}.")];
        }
        catch (SocketException e)
        {
            return
            [
                Finding.Failure(
                    "broker name", $"'{Address.DnsSafeHost}' cannot be resolved: {e.Message}.",
                    "Mend the host of RabbitMq:Uri, or the name server; in Kubernetes look at the network policy for DNS."),
            ];
        }
    }

    private async Task<IReadOnlyList<Finding>> PortAsync(CancellationToken cancellation)
    {
        if (_addresses.Length == 0)
        {
            return [];
        }

        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(_addresses, Port, cancellation).ConfigureAwait(false);
            _listens = true;
            return [Finding.Ok("broker port", $"{Address.DnsSafeHost}:{Port} takes connections.")];
        }
        catch (SocketException e)
        {
            return
            [
                Finding.Failure(
                    "broker port", $"{Address.DnsSafeHost}:{Port} takes no connection: {e.Message}.",
                    e.SocketErrorCode == SocketError.ConnectionRefused
                        ? "Start the broker, or mend the port of RabbitMq:Uri (5672, and 5671 for amqps)."
                        : "Look for a firewall or a network policy between this machine and the broker."),
            ];
        }
    }

    private async Task<IReadOnlyList<Finding>> TlsAsync(CancellationToken cancellation)
    {
        if (!_listens)
        {
            return [];
        }

        if (!Secure)
        {
            return Address.IsLoopback
                ? [Finding.Skipped("broker TLS", "RabbitMq:Uri is amqp://, on this machine.")]
                : [Finding.Warning("broker TLS", "RabbitMq:Uri is amqp://: images and the password cross the network unencrypted.", "Use amqps:// where that network is not yours alone.")];
        }

        using var socket = new TcpClient();
        await socket.ConnectAsync(_addresses, Port, cancellation).ConfigureAwait(false);
        using var tls = new SslStream(socket.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Address.DnsSafeHost }, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            _listens = false;
            return
            [
                Finding.Failure(
                    "broker TLS", BrokerFault.Describe(Address, e),
                    "The certificate must be for this host and of an authority that this machine trusts (update-ca-certificates); amqp:// is the address without TLS."),
            ];
        }

        using var certificate = X509CertificateLoader.LoadCertificate(tls.RemoteCertificate!.Export(X509ContentType.Cert));
        var ends = certificate.NotAfter.ToUniversalTime();
        var text = string.Create(CultureInfo.InvariantCulture, $"{tls.SslProtocol}; the certificate is valid until {ends:u}.");
        return [ends - DateTime.UtcNow < CertificateNotice ? Finding.Warning("broker TLS", text, Sooner) : Finding.Ok("broker TLS", text)];
    }

    private async Task<IReadOnlyList<Finding>> LoginAsync(CancellationToken cancellation)
    {
        if (!_listens)
        {
            return [];
        }

        var host = Uri.UnescapeDataString(Address.AbsolutePath.TrimStart('/')) is { Length: > 0 } named ? named : "/";
        try
        {
            _connection = await BrokerConnection.OpenAsync(_rabbit, "doctor", cancellation).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            return [Finding.Failure("broker login", e.Message, "Mend the user and password of RabbitMq:Uri, or the file RabbitMq:PasswordFile. The user guest may only come from the broker's own machine.")];
        }

        var known = Finding.Ok("broker login", $"The broker knows this user ({ServerOf(_connection)}).");
        try
        {
            // The broker lets a client in before it looks at its virtual host.
            await (await _connection.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            return [known, Finding.Ok("virtual host", $"The user may use '{host}'.")];
        }
        catch (OperationInterruptedException e)
        {
            await CloseAsync(cancellation).ConfigureAwait(false);
            return
            [
                known,
                Finding.Failure(
                    "virtual host", $"'{host}' is refused: {e.ShutdownReason?.ReplyText}.",
                    "Make it (rabbitmqctl add_vhost), give the user rights there (rabbitmqctl set_permissions -p), or mend the path of RabbitMq:Uri."),
            ];
        }
    }

    private async Task<IReadOnlyList<Finding>> QueueAsync(WantedQueue queue, CancellationToken cancellation)
    {
        if (_connection is null)
        {
            return [];
        }

        var name = $"queue {queue.Name}";
        var findings = new List<Finding>();
        var there = await AskAsync(channel => channel.QueueDeclarePassiveAsync(queue.Name, cancellation), cancellation).ConfigureAwait(false);
        if (there is { ReplyCode: not NotFound and var code })
        {
            return [Finding.Failure(name, $"The broker refuses to say whether it exists: {there.ReplyText}.", code == AccessRefused ? Rights(queue.Name) : "See the broker's log.")];
        }

        if (_rabbit.DeclareTopology)
        {
            // What exists and is as it is declared stays as it is. What does not exist is asked for in a way that no broker can make.
            var refused = await AskAsync(
                channel => channel.QueueDeclareAsync(
                    queue.Name, durable: true, exclusive: false, autoDelete: false, there is null ? queue.Arguments : Impossible, cancellationToken: cancellation),
                cancellation).ConfigureAwait(false);
            findings.Add((there, refused) switch
            {
                (_, { ReplyCode: AccessRefused }) => Finding.Failure(name, $"The user may not declare it: {refused.ReplyText}.", $"{Rights(queue.Name)} Or declare it by hand (docs/protocol.md) and set RabbitMq:DeclareTopology=false."),
                (null, null) => Finding.Ok(name, "It exists with the arguments that a node asks for."),
                (null, _) => Finding.Failure(name, $"It exists with other arguments: {refused!.ReplyText}.", $"Set the options to what it has, or RabbitMq:DeclareTopology=false, or empty and delete it (rabbitmqctl delete_queue {queue.Name})."),
                _ => Finding.Ok(name, "It does not exist yet; the first node declares it."),
            });
        }
        else
        {
            findings.Add(there is null
                ? Finding.Ok(name, "It exists; its arguments are not looked at (RabbitMq:DeclareTopology is false).")
                : Finding.Failure(name, "It does not exist, and RabbitMq:DeclareTopology is false.", $"Declare it as docs/protocol.md says, or mend RabbitMq:{queue.Option}."));
        }

        if (queue.Read && await AskAsync(channel => ConsumeImpossiblyAsync(channel, queue.Name, cancellation), cancellation).ConfigureAwait(false) is { ReplyCode: AccessRefused } unread)
        {
            findings.Add(Finding.Failure(name, $"The user may not read from it: {unread.ReplyText}.", Rights(queue.Name)));
        }

        return findings;
    }

    // Results, dead letters and the API's images go through the default exchange. This one goes nowhere.
    private async Task<IReadOnlyList<Finding>> WriteAsync(CancellationToken cancellation)
    {
        if (_connection is null)
        {
            return [];
        }

        var refused = await AskAsync(
            async channel =>
            {
                await channel.BasicPublishAsync("", $"fer.doctor.{Guid.NewGuid():N}", mandatory: false, new BasicProperties(), ReadOnlyMemory<byte>.Empty, cancellation).ConfigureAwait(false);

                // The broker answers in the order of the requests.
                await channel.ExchangeDeclarePassiveAsync("amq.direct", cancellation).ConfigureAwait(false);
            },
            cancellation).ConfigureAwait(false);
        return
        [
            refused is { ReplyCode: AccessRefused }
                ? Finding.Failure("broker exchange", $"The user may not publish through the default exchange: {refused.ReplyText}.", "Give the user the right to write to 'amq.default' (rabbitmqctl set_permissions).")
                : Finding.Ok("broker exchange", "The user may publish through the default exchange."),
        ];
    }

    private async Task<IReadOnlyList<Finding>> ReplyAsync(CancellationToken cancellation)
    {
        if (_connection is null || !_rabbit.DeclareTopology || !options.Cluster.Has(NodeRoles.Api) || !options.Api.Enabled)
        {
            return [];
        }

        var refused = await AskAsync(
            channel => channel.QueueDeclareAsync(Reply, durable: false, exclusive: true, autoDelete: true, Impossible, cancellationToken: cancellation),
            cancellation).ConfigureAwait(false);
        return
        [
            refused is { ReplyCode: AccessRefused }
                ? Finding.Failure("reply queues", $"The user may not make a queue for the API's replies: {refused.ReplyText}.", Rights(Reply.Length > 0 ? Reply : "amq\\.gen-.*"))
                : Finding.Ok("reply queues", "The user may make a queue for the API's replies."),
        ];
    }

    private async Task<IReadOnlyList<Finding>> CloseAsync(CancellationToken cancellation)
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.CloseAsync(200, "done", CloseTimeout, abort: true, cancellation).ConfigureAwait(false);
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        return [];
    }

    // As the gateway names its own.
    private string Reply =>
        _rabbit.ReplyPrefixes.FirstOrDefault(prefix => !prefix.StartsWith("amq.", StringComparison.Ordinal)) is { } prefix ? $"{prefix}doctor" : "";

    private static Dictionary<string, object?> Impossible => new() { ["x-max-length"] = "not a number" };

    private static Task<string> ConsumeImpossiblyAsync(IChannel channel, string queue, CancellationToken cancellation) => channel.BasicConsumeAsync(
        queue, autoAck: false, "", noLocal: false, exclusive: false, new Dictionary<string, object?> { ["x-priority"] = "not a number" },
        new AsyncEventingBasicConsumer(channel), cancellation);

    // A refusal closes the channel, so that each question has its own.
    private async Task<ShutdownEventArgs?> AskAsync(Func<IChannel, Task> ask, CancellationToken cancellation)
    {
        var channel = await _connection!.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            try
            {
                await ask(channel).ConfigureAwait(false);
                return null;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason)
            {
                return reason;
            }
        }
    }

    private static string Rights(string queue) => $"Give the user the right to '{queue}' (rabbitmqctl set_permissions: configure, write, read).";

    private static string ServerOf(IConnection connection) =>
        string.Join(' ', new[] { "product", "version" }.Select(name => connection.ServerProperties?.TryGetValue(name, out var value) == true && value is byte[] bytes
            ? System.Text.Encoding.UTF8.GetString(bytes)
            : "").Where(text => text.Length > 0));

    private sealed record WantedQueue(string Name, string Option, IDictionary<string, object?> Arguments, bool Read);
}
