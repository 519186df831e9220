using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>One image on its way.</summary>
/// <param name="messageId">Its id.</param>
/// <param name="image">The encoded image.</param>
/// <param name="options">What is wanted, with the deadline left out.</param>
/// <param name="timeout">Longest wait for the result.</param>
/// <param name="clock">The time.</param>
internal sealed class ImageRequest(string messageId, ReadOnlyMemory<byte> image, RequestOptions options, TimeSpan timeout, TimeProvider clock)
{
    private readonly long _began = clock.GetTimestamp();

    public string MessageId => messageId;

    public ReadOnlyMemory<byte> Image => image;

    public RequestOptions Options => options;

    public TimeSpan Timeout => timeout;

    /// <summary>Time until the caller is told that there is no result; never negative.</summary>
    public TimeSpan Remaining => timeout - clock.GetElapsedTime(_began) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    /// <summary>What the caller is told where the time is over now: it depends on what the request waits for.</summary>
    public Func<FerException> WhenOver { get; set; } = () => throw new InvalidOperationException("The request waits for nothing.");
}
