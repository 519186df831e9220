using FerActors.Shared.Protocol;

namespace FerActors.Vision.Imaging;

/// <summary>The bytes are not a picture that this product accepts. The message is a sentence for the publisher; it quotes no image data.</summary>
public sealed class ImageRejectedException : Exception
{
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="innerException">What the decoder threw, if it did.</param>
    public ImageRejectedException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>
    /// <see cref="ErrorCodes.EmptyBody"/>, <see cref="ErrorCodes.UnsupportedFormat"/>, <see cref="ErrorCodes.TooLarge"/> or
    /// <see cref="ErrorCodes.CorruptImage"/>.
    /// </summary>
    public string Code { get; }

    internal static ImageRejectedException Corrupt(string message) => new(ErrorCodes.CorruptImage, message);

    internal static ImageRejectedException Unsupported(string message) => new(ErrorCodes.UnsupportedFormat, message);

    internal static ImageRejectedException TooLarge(string message) => new(ErrorCodes.TooLarge, message);
}
