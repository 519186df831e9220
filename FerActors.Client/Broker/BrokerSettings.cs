using FerActors.Shared.Messaging;

namespace FerActors.Client.Broker;

/// <summary>How to reach the broker and how long to wait for it.</summary>
/// <param name="Address">With user and password.</param>
/// <param name="PasswordFile">Holds the password instead; read at every connect.</param>
/// <param name="ConnectionName">What the broker shows.</param>
/// <param name="ReplyQueuePrefix">Begins the name of the reply queue; direct reply-to where absent.</param>
/// <param name="ConnectTimeout">Bounds an attempt to connect.</param>
/// <param name="ConfirmTimeout">Bounds the broker's answer to a publication.</param>
/// <param name="Heartbeat">Of the connection.</param>
/// <param name="Backoff">Waits between attempts.</param>
internal sealed record BrokerSettings(
    Uri Address,
    string? PasswordFile,
    string ConnectionName,
    string? ReplyQueuePrefix,
    TimeSpan ConnectTimeout,
    TimeSpan ConfirmTimeout,
    TimeSpan Heartbeat,
    BackoffPolicy Backoff);
