using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>A way to FerActors.</summary>
internal interface IImageTransport : IAsyncDisposable
{
    /// <summary><c>amqp</c> or <c>http</c>, for metrics.</summary>
    string Name { get; }

    /// <summary>What requests are sent to, without user and password, for spans.</summary>
    string Target { get; }

    /// <summary>Whether the sender chooses the message's id.</summary>
    bool TakesMessageId { get; }

    /// <summary>Sends an image and waits for its result.</summary>
    /// <param name="request">The image; the transport keeps <see cref="ImageRequest.WhenOver"/> true to what it waits for.</param>
    /// <param name="patience">Ends the wait.</param>
    /// <exception cref="FerException">There is no result.</exception>
    Task<ClassificationResult> SendAsync(ImageRequest request, CancellationToken patience);
}
