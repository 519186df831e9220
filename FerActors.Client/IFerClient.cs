using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>Classifies images with the nodes of a running FerActors. One instance serves a whole program, from many threads at once.</summary>
/// <remarks>
/// Every call ends in exactly one way: with the result of the image, with a <see cref="FerException"/> that says why there is none, or
/// with an <see cref="OperationCanceledException"/> where the caller gave up. An image without a face is a result with no faces.
/// </remarks>
public interface IFerClient : IDisposable, IAsyncDisposable
{
    /// <summary>Classifies one image.</summary>
    /// <param name="image">The encoded image: JPEG, PNG, WebP or BMP. It is not copied and must not change until the task has ended.</param>
    /// <param name="options">What is wanted; the default is every face, without explanations.</param>
    /// <param name="cancellationToken">
    /// Ends the wait. An image that the broker has already taken may still be classified; its result is dropped.
    /// </param>
    /// <exception cref="FerImageException">The image, or what was asked for, is refused; the same again will be refused again.</exception>
    /// <exception cref="FerUnavailableException">Broker, API or nodes take nothing now.</exception>
    /// <exception cref="FerTimeoutException">No result came in time.</exception>
    /// <exception cref="FerAccessException">The user, password or API key is refused.</exception>
    /// <exception cref="FerNodeException">A node failed on the image.</exception>
    Task<ClassificationResult> ClassifyAsync(
        ReadOnlyMemory<byte> image, ClassifyOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Reads a stream to its end, or to one byte beyond <see cref="FerClientOptions.MaxImageBytes"/>, and classifies the image in it.</summary>
    /// <param name="image">The stream; it is not closed.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <inheritdoc cref="ClassifyAsync(ReadOnlyMemory{byte}, ClassifyOptions?, CancellationToken)" path="/exception"/>
    Task<ClassificationResult> ClassifyAsync(Stream image, ClassifyOptions? options = null, CancellationToken cancellationToken = default);
}
