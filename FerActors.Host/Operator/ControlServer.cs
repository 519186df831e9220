using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FerActors.Host.Web;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Operator;

/// <summary>Serves <see cref="OperatorService"/> over HTTP on a Unix domain socket and, with a token, on a TCP port.</summary>
public sealed class ControlServer : IHostedService, IAsyncDisposable
{
    /// <summary>Takes an <see cref="OperatorRequest"/>, answers an <see cref="OperatorReply"/>; both JSON, whatever the status.</summary>
    public const string Route = "/v1/operations";

    /// <summary>Takes a model folder as <see cref="ModelUpload"/> reads it; answers an <see cref="OperatorReply"/>.</summary>
    public const string ModelsRoute = "/v1/models/";

    // A run's description has at most 32 KiB.
    private const int MaxRequestBytes = 128 * 1024;
    private const int MaxConnections = 64;
    private const string Bearer = "Bearer ";

    private static readonly object OverSocket = new();
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly OperatorService _operators;
    private readonly ModelUpload? _upload;
    private readonly ControlOptions _options;
    private readonly ILogger _log;
    private readonly byte[]? _token;
    private ControlSocket? _socket;
    private WebApplication? _app;

    /// <exception cref="FormatException">The token is none; the message does not show it.</exception>
    /// <exception cref="IOException">Its file cannot be read.</exception>
    /// <param name="operators">Carries requests out.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="log">Says where it listens, and what was asked for.</param>
    /// <param name="upload">Takes models; absent on a node without the registry's folder.</param>
    public ControlServer(OperatorService operators, ControlOptions options, ILogger<ControlServer> log, ModelUpload? upload = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _operators = operators;
        _options = options;
        _upload = upload;
        _log = log;

        // The hash has one length, so that a comparison takes one time whatever the length of what was sent.
        _token = options.ReadToken() is { } token ? SHA256.HashData(Encoding.ASCII.GetBytes(token)) : null;
    }

    /// <summary>The address of the TCP port once started; <see langword="null"/> where there is none.</summary>
    public Uri? TcpAddress => _app?.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses
        .Where(a => !a.StartsWith("http://unix:", StringComparison.Ordinal)).Select(a => new Uri(a)).FirstOrDefault();

    /// <summary>A path or port that somebody else has is no reason for a node not to serve: it is logged, and the node goes on.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _socket = _options.Socket.Length == 0 ? null : ControlSocket.TryTake(_options.Socket);
            if (_options.Socket.Length > 0 && _socket is null)
            {
                _log.LogWarning("Another node has the control endpoint {Socket}; this one goes on without it", _options.Socket);
            }

            if (_socket is null && _options.Port is null)
            {
                return;
            }

            _app = Build();
            await _app.StartAsync(cancellationToken).ConfigureAwait(false);
            _log.LogInformation("Operators reach this node at {Endpoint}", string.Join(" and ", Endpoints()));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            _log.LogError("This node has no control endpoint: {Reason}", e.Message);
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is { } app)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(StopTimeout);
            await app.StopAsync(limit.Token).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.DisposeAsync().ConfigureAwait(false);
        }

        _socket?.Dispose();
        _socket = null;
    }

    private IEnumerable<string> Endpoints()
    {
        if (_socket is not null)
        {
            yield return _socket.FilePath;
        }

        if (TcpAddress is { } address)
        {
            yield return address.ToString();
        }
    }

    private WebApplication Build()
    {
        var builder = NodeWeb.CreateBuilder(kestrel =>
        {
            // Read by hand: Kestrel's own limit would end the connection before the client has read why.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            if (_socket is { } socket)
            {
                // Marked where the connection is accepted, which no header can pretend.
                kestrel.ListenUnixSocket(socket.FilePath, listen => listen.Use(next => connection =>
                {
                    connection.Items[OverSocket] = true;
                    return next(connection);
                }));
            }

            if (_options.Port is { } port)
            {
                kestrel.Listen(IPAddress.Parse(_options.Address), port);
            }
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endPoint =>
            endPoint is UnixDomainSocketEndPoint && _socket is { } socket
                ? socket.Bind()
                : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint));
        var app = builder.Build();
        app.Use(new BodyDrain(TimeProvider.System).DrainAsync);
        app.UseWhen(http => !IsOverSocket(http), port => new HostGuard(_options.AllowedHosts, [], ControlOptions.Section).Use(port, (http, status, sentence) =>
        {
            http.Response.StatusCode = status;
            return WriteAsync(http, OperatorReply.Refused(sentence));
        }));
        app.UseRouting();
        app.MapPost(Route, http => AnswerAsync(http, ReplyAsync));
        app.MapPost(ModelsRoute + "{version}", http => AnswerAsync(http, PushAsync));
        return app;
    }

    private async Task AnswerAsync(HttpContext context, Func<HttpContext, Task<OperatorReply>> answer)
    {
        OperatorReply reply;
        if (MayAsk(context))
        {
            reply = await GuardAsync(context, answer).ConfigureAwait(false);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Bearer";
            reply = OperatorReply.Refused("The token is missing or wrong.");
        }

        await WriteAsync(context, reply).ConfigureAwait(false);
    }

    private static Task WriteAsync(HttpContext context, OperatorReply reply)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(OperatorJson.Write(reply), context.RequestAborted);
    }

    private async Task<OperatorReply> ReplyAsync(HttpContext context)
    {
        if (await ReadAsync(context.Request, context.RequestAborted).ConfigureAwait(false) is not { } body)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return OperatorReply.Invalid($"The request has more than {MaxRequestBytes} bytes.");
        }

        var request = OperatorJson.ReadRequest(body);
        var reply = await _operators.ExecuteAsync(request).ConfigureAwait(false);

        // Who watches a run asks every second.
        Log(request is OperatorQuery ? LogLevel.Debug : LogLevel.Information, OperatorJson.NameOf(request), reply);
        context.Response.StatusCode = StatusOf(reply);
        return reply;
    }

    private async Task<OperatorReply> PushAsync(HttpContext context)
    {
        var reply = _upload is null
            ? OperatorReply.Refused("This node does not have the registry's folder; push to one with the role control.")
            : await _upload.ReceiveAsync(
                (string)context.Request.RouteValues["version"]!, context.Request.Query["parent"].FirstOrDefault(), context.Request.Body, context.RequestAborted).ConfigureAwait(false);
        Log(LogLevel.Information, "model.push", reply);
        context.Response.StatusCode = StatusOf(reply);
        return reply;
    }

    private void Log(LogLevel level, string operation, OperatorReply reply) =>
        _log.Log(level, "An operator's {Operation}: {Code}. {Sentence}", operation, reply.Code, UntrustedText.Shown(reply.Message));

    private async Task<OperatorReply> GuardAsync(HttpContext context, Func<HttpContext, Task<OperatorReply>> answer)
    {
        try
        {
            return await answer(context).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return OperatorReply.Invalid($"The request is not understood: {e.Message}");
        }
        catch (BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
            return OperatorReply.Invalid($"The request is refused: {e.Message}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogError(e, "An operator's request failed");
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return OperatorReply.NoAnswer("The node failed on it; its log says why. Whether anything changed is unknown.");
        }
    }

    private static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MaxRequestBytes)
        {
            return null;
        }

        var body = new byte[MaxRequestBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return length <= MaxRequestBytes ? body[..length] : null;
    }

    // No browser reaches a socket, and a socket has no name.
    private static bool IsOverSocket(HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(OverSocket) == true;

    // The socket's mode has let in whom it may; a port lets in anyone.
    private bool MayAsk(HttpContext context)
    {
        if (IsOverSocket(context))
        {
            return true;
        }

        var header = context.Request.Headers.Authorization.ToString();
        return _token is not null
            && header.StartsWith(Bearer, StringComparison.Ordinal)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(header[Bearer.Length..])), _token);
    }

    private static int StatusOf(OperatorReply reply) => (reply.Outcome, reply.Code) switch
    {
        (OperatorOutcome.Done, _) => StatusCodes.Status200OK,
        (OperatorOutcome.Refused, "not_found") => StatusCodes.Status404NotFound,
        (OperatorOutcome.Refused, _) => StatusCodes.Status409Conflict,
        (OperatorOutcome.Invalid, _) => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status503ServiceUnavailable,
    };
}
