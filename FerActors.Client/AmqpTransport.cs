using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using FerActors.Client.Broker;
using FerActors.Shared.Messaging;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace FerActors.Client;

/// <summary>
/// Images to the queue, each with a confirm, and results on a queue of this client's own. An image whose connection broke before its
/// result came is sent again on the next one, with the same message id: the reply queue, and with it the result, went with the connection.
/// </summary>
internal sealed class AmqpTransport : IImageTransport
{
    // A connection that breaks so often under one image will not carry it.
    private const int MostResends = 5;

    private readonly ConcurrentDictionary<string, TaskCompletionSource<ClassificationResult>> _waiting = new(StringComparer.Ordinal);
    private readonly FerClientOptions _options;
    private readonly ILogger _log;
    private readonly BrokerLink _link;

    public AmqpTransport(FerClientOptions options, TimeProvider clock, ILogger log)
    {
        _options = options;
        _log = log;
        var settings = new BrokerSettings(
            new Uri(options.Address),
            options.PasswordFile,
            options.ClientName,
            options.DirectReplyTo ? null : options.ReplyQueuePrefix,
            options.ConnectTimeout,
            options.ConfirmTimeout,
            options.Heartbeat,
            new BackoffPolicy(options.ReconnectMinBackoff, options.ReconnectMaxBackoff));
        _link = new BrokerLink(settings, stop => BrokerConnector.OpenAsync(settings, OnReply, clock, stop), clock, log);
    }

    public string Name => "amqp";

    public string Target => _options.ImagesQueue;

    public bool TakesMessageId => true;

    public async Task<ClassificationResult> SendAsync(ImageRequest request, CancellationToken patience)
    {
        var reply = new TaskCompletionSource<ClassificationResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_waiting.TryAdd(request.MessageId, reply))
        {
            throw new ArgumentException($"A message with the id '{request.MessageId}' is on its way already.", nameof(request));
        }

        try
        {
            for (var resends = 0; ; resends++)
            {
                var session = await SessionAsync(request, patience).ConfigureAwait(false);
                if (await AskAsync(session, request, reply.Task, patience).ConfigureAwait(false) is { } result)
                {
                    return result.Error is { } error ? throw Failures.Of(error.Code, error.Message, request.MessageId, result) : result;
                }

                var end = await session.Closed.ConfigureAwait(false);
                if (end.RefusedBytes == request.Image.Length)
                {
                    throw Failures.Of(ErrorCodes.TooLarge, $"The broker takes no message of {end.RefusedBytes} bytes.", request.MessageId);
                }

                if (resends == MostResends)
                {
                    throw Unavailable(request, $"The connection to the broker broke {resends + 1} times under this image, at last since {end.Reason}.");
                }

                ClientTelemetry.Resent(request.MessageId);
            }
        }
        finally
        {
            _waiting.TryRemove(request.MessageId, out _);
        }
    }

    public ValueTask DisposeAsync() => _link.DisposeAsync();

    private static FerException Unavailable(ImageRequest request, string message) => Failures.Of(ApiCodes.BrokerUnavailable, message, request.MessageId);

    private async Task<BrokerSession> SessionAsync(ImageRequest request, CancellationToken patience)
    {
        request.WhenOver = () => Unavailable(request, _link.Fault ?? $"There was no connection to the broker within {request.Timeout}.");
        try
        {
            var session = await _link.SessionAsync(patience).ConfigureAwait(false);
            request.WhenOver = () => Unavailable(request, $"The broker takes no messages: {session.BlockedBecause}.");
            await Task.WhenAny(session.Flows, session.Over).WaitAsync(patience).ConfigureAwait(false);
            return session;
        }
        catch (BrokerException e)
        {
            throw new FerAccessException(ApiCodes.Unauthorized, e.Message, e) { MessageId = request.MessageId };
        }
    }

    // The result, or nothing where the session ended before it came.
    private async Task<ClassificationResult?> AskAsync(
        BrokerSession session, ImageRequest request, Task<ClassificationResult> reply, CancellationToken patience)
    {
        request.WhenOver = () => session.BlockedBecause is { } alarm
            ? Unavailable(request, $"The broker takes no messages: {alarm}.")
            : Failures.Of(
                ApiCodes.Timeout,
                $"No result of the image {request.MessageId} came within {request.Timeout}. Does a node run on this broker, and has it time?",
                request.MessageId);
        var publication = session.PublishAsync(_options.ImagesQueue, Properties(request, session.ReplyQueue), request.Image);

        // A quick node may answer before the broker has confirmed.
        if (await Task.WhenAny(reply, publication).WaitAsync(patience).ConfigureAwait(false) == publication)
        {
            switch (await publication.ConfigureAwait(false))
            {
                case Publication.Unroutable:
                    throw Unavailable(request, $"The broker has no queue '{_options.ImagesQueue}'; a node declares it when it starts.");
                case Publication.Refused:
                    throw Failures.Of(ErrorCodes.Overloaded, $"The broker's queue '{_options.ImagesQueue}' takes no more.", request.MessageId);
            }

            await Task.WhenAny(reply, session.Over).WaitAsync(patience).ConfigureAwait(false);
        }

        return reply.IsCompleted ? await reply.ConfigureAwait(false) : null;
    }

    private static BasicProperties Properties(ImageRequest request, string replyQueue)
    {
        // The caller is gone after this time, wherever the image is: in the queue, where the broker dead-letters it, or at a node.
        var left = Math.Max((long)request.Remaining.TotalMilliseconds, 1);
        var headers = RequestHeaders.Of(request.Options with { Deadline = TimeSpan.FromMilliseconds(left) })
            .ToDictionary(header => header.Key, header => (object?)header.Value);
        FerTracing.Write(headers, Activity.Current?.Context ?? default);
        return new BasicProperties
        {
            MessageId = request.MessageId,
            CorrelationId = request.MessageId,
            ReplyTo = replyQueue,
            DeliveryMode = DeliveryModes.Persistent,
            Expiration = left.ToString(CultureInfo.InvariantCulture),
            Headers = headers,
        };
    }

    private void OnReply(string messageId, ReadOnlyMemory<byte> body)
    {
        // A late one, or the second of an image that was classified twice.
        if (!_waiting.TryGetValue(messageId, out var waiting))
        {
            return;
        }

        try
        {
            waiting.TrySetResult(ResultJson.Deserialize(body.Span));
        }
        catch (JsonException e)
        {
            _log.LogError(e, "What came back for message {MessageId} is no result", messageId);
            waiting.TrySetException(new FerNodeException(ErrorCodes.Internal, "What came back is no result.", e) { MessageId = messageId });
        }
    }
}
