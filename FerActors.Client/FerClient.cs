using System.Text;
using FerActors.Shared.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FerActors.Client;

/// <summary>
/// The client: checks what is asked, keeps the bound of requests in flight and the time of each, and hands them to RabbitMQ or to the API.
/// It connects with the first request.
/// </summary>
public sealed class FerClient : IFerClient
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string TelemetryName = "FerActors.Client";

    /// <summary>The name under which the HTTP client factory knows this client's own, for further handlers.</summary>
    public const string HttpClientName = "FerActors.Client";

    private readonly IImageTransport _transport;
    private readonly FerClientOptions _options;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _disposed = new();

    internal FerClient(IImageTransport transport, FerClientOptions options, TimeProvider clock)
    {
        _transport = transport;
        _options = options;
        _clock = clock;
        _places = new SemaphoreSlim(options.MaxInFlight);
    }

    /// <summary>Makes a client without a container.</summary>
    /// <param name="address">See <see cref="FerClientOptions.Address"/>.</param>
    /// <param name="configure">Sets further options.</param>
    /// <param name="logging">Gets what happens to the connection; nothing by default.</param>
    /// <exception cref="OptionsValidationException">Options are wrong; names every mistake.</exception>
    public static FerClient Create(string address, Action<FerClientOptions>? configure = null, ILoggerFactory? logging = null)
    {
        var options = new FerClientOptions { Address = address };
        configure?.Invoke(options);
        var verdict = new FerClientOptionsValidator().Validate(null, options);
        return verdict.Succeeded
            ? Create(options, http: null, TimeProvider.System, logging)
            : throw new OptionsValidationException("", typeof(FerClientOptions), verdict.Failures);
    }

    /// <inheritdoc/>
    public async Task<ClassificationResult> ClassifyAsync(
        Stream image, ClassifyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var held = new MemoryStream();
        var part = new byte[81_920];
        int read;
        while (held.Length <= _options.MaxImageBytes && (read = await image.ReadAsync(part, cancellationToken).ConfigureAwait(false)) > 0)
        {
            held.Write(part, 0, read);
        }

        return await ClassifyAsync(held.ToArray(), options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ClassificationResult> ClassifyAsync(
        ReadOnlyMemory<byte> image, ClassifyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        cancellationToken.ThrowIfCancellationRequested();
        var request = Request(image, options ?? new ClassifyOptions());
        using var span = ClientTelemetry.Begin(_transport, request.MessageId, image.Length);
        string? error = "cancelled";
        try
        {
            var result = await SendAsync(request, cancellationToken).ConfigureAwait(false);
            error = null;
            return result;
        }
        catch (FerException e)
        {
            error = e.Code;
            throw;
        }
        finally
        {
            ClientTelemetry.End(_transport, span, request.Timeout - request.Remaining, error);
        }
    }

    /// <summary>Closes the connection. Requests without a result end with an <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>, without waiting until the connection is closed.</summary>
    public void Dispose()
    {
        _disposed.Cancel();
        _ = _transport.DisposeAsync().AsTask();
    }

    internal static FerClient Create(FerClientOptions options, Func<HttpClient>? http, TimeProvider clock, ILoggerFactory? logging) => new(
        options.IsHttp
            ? new HttpTransport(http ?? OwnHttp(), options, clock)
            : new AmqpTransport(options, clock, (logging ?? NullLoggerFactory.Instance).CreateLogger<FerClient>()),
        options,
        clock);

    private async Task<ClassificationResult> SendAsync(ImageRequest request, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(request.Timeout, _clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token, _disposed.Token);
        request.WhenOver = () => Failures.Of(
            ErrorCodes.Overloaded,
            $"{_options.MaxInFlight} requests of this client were in flight for {request.Timeout} (MaxInFlight).",
            request.MessageId);
        try
        {
            await _places.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                return await _transport.SendAsync(request, patience.Token).ConfigureAwait(false);
            }
            finally
            {
                _places.Release();
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
            throw request.WhenOver();
        }
    }

    private ImageRequest Request(ReadOnlyMemory<byte> image, ClassifyOptions options)
    {
        var timeout = options.Timeout ?? _options.Timeout;
        if (timeout < TimeSpan.FromMilliseconds(10) || timeout > TimeSpan.FromDays(1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), timeout, "Timeout must be between 10 ms and 1 day.");
        }

        if (options.MessageId is { } id)
        {
            CheckMessageId(id);
        }

        var wanted = new RequestOptions(options.Faces, options.Include, options.Aligned) { Explain = options.Explain };
        var request = new ImageRequest(options.MessageId ?? Guid.NewGuid().ToString("D"), image, wanted, timeout, _clock);
        return image.Length == 0 ? throw Failures.Of(ErrorCodes.EmptyBody, "The image is empty.", request.MessageId)
            : image.Length > _options.MaxImageBytes
                ? throw Failures.Of(ErrorCodes.TooLarge, $"The image has more than {_options.MaxImageBytes} bytes (MaxImageBytes).", request.MessageId)
            : request;
    }

    // What the contract would answer with bad_message_id, or could not copy.
    private void CheckMessageId(string id)
    {
        if (!_transport.TakesMessageId)
        {
            throw new NotSupportedException("The API draws the ids of messages itself; leave MessageId out.");
        }

        if (id.Length == 0 || Encoding.UTF8.GetByteCount(id) > 255 || id.Contains('\uFFFD', StringComparison.Ordinal) || !IsUnicode(id))
        {
            throw new ArgumentException("MessageId must have 1 to 255 bytes of UTF-8, without U+FFFD.", nameof(id));
        }
    }

    private static bool IsUnicode(string text) => text.EnumerateRunes().All(rune => rune != Rune.ReplacementChar);

    private static Func<HttpClient> OwnHttp()
    {
        var client = new HttpClient(HttpTransport.NewHandler());
        HttpTransport.Configure(client);
        return () => client;
    }
}
