using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace FerActors.Host.Retention;

/// <summary>An image with what it is about, as one file: sealed with AES-256-GCM where there is a key, plain where there is none.</summary>
/// <remarks>
/// The file begins with <c>FERIMG1</c> and a byte: 0 plain, 1 sealed. Sealed, 12 bytes of nonce and 16 of tag follow, and the first 8
/// bytes are authenticated with the rest. Then, sealed or not: the length of the facts (4 bytes, little-endian), the facts as JSON, the
/// encoded image as it came.
/// </remarks>
/// <param name="MessageId">The id of the result.</param>
/// <param name="ModelVersion">The version that answered.</param>
/// <param name="At">When.</param>
/// <param name="Image">The encoded image.</param>
public sealed record RetainedImage(string MessageId, string ModelVersion, DateTimeOffset At, ReadOnlyMemory<byte> Image)
{
    private const int HeaderLength = 8;
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private static ReadOnlySpan<byte> Magic => "FERIMG1"u8;

    /// <summary>The file's bytes.</summary>
    /// <param name="key">32 bytes; <see langword="null"/> writes the image as it is.</param>
    public byte[] ToFile(byte[]? key)
    {
        var facts = JsonSerializer.SerializeToUtf8Bytes(new Facts(MessageId, ModelVersion, At));
        var plain = new byte[sizeof(int) + facts.Length + Image.Length];
        BinaryPrimitives.WriteInt32LittleEndian(plain, facts.Length);
        facts.CopyTo(plain, sizeof(int));
        Image.Span.CopyTo(plain.AsSpan(sizeof(int) + facts.Length));
        if (key is null)
        {
            return [.. Magic, 0, .. plain];
        }

        var file = new byte[HeaderLength + NonceLength + TagLength + plain.Length];
        Magic.CopyTo(file);
        file[HeaderLength - 1] = 1;
        RandomNumberGenerator.Fill(Nonce(file));
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(Nonce(file), plain, Sealed(file), Tag(file), file.AsSpan(0, HeaderLength));
        return file;
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is none, it is sealed and there is no key, or the key is another or the file was changed.</exception>
    public static RetainedImage FromFile(byte[] file, byte[]? key)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Length < HeaderLength || !file.AsSpan(0, HeaderLength - 1).SequenceEqual(Magic) || file[HeaderLength - 1] > 1)
        {
            throw new InvalidDataException("The file is no retained image.");
        }

        return Parse(file[HeaderLength - 1] == 0 ? file[HeaderLength..] : Unseal(file, key));
    }

    private static byte[] Unseal(byte[] file, byte[]? key)
    {
        if (key is null)
        {
            throw new InvalidDataException("The image is encrypted; Retention:KeyFile names the key.");
        }

        if (file.Length < HeaderLength + NonceLength + TagLength)
        {
            throw new InvalidDataException("The retained image ends early.");
        }

        try
        {
            var plain = new byte[Sealed(file).Length];
            using var aes = new AesGcm(key, TagLength);
            aes.Decrypt(Nonce(file), Sealed(file), Tag(file), plain, file.AsSpan(0, HeaderLength));
            return plain;
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new InvalidDataException("The image was sealed with another key, or its file was changed.", e);
        }
    }

    private static RetainedImage Parse(byte[] plain)
    {
        var length = plain.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(plain);
        if (length < 0 || length > plain.Length - sizeof(int))
        {
            throw new InvalidDataException("The retained image ends early.");
        }

        try
        {
            var facts = JsonSerializer.Deserialize<Facts>(plain.AsSpan(sizeof(int), length))!;
            return new RetainedImage(facts.MessageId, facts.ModelVersion, facts.At, plain.AsMemory(sizeof(int) + length));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("The retained image's facts cannot be read.", e);
        }
    }

    private static Span<byte> Nonce(byte[] file) => file.AsSpan(HeaderLength, NonceLength);

    private static Span<byte> Tag(byte[] file) => file.AsSpan(HeaderLength + NonceLength, TagLength);

    private static Span<byte> Sealed(byte[] file) => file.AsSpan(HeaderLength + NonceLength + TagLength);

    private sealed record Facts(string MessageId, string ModelVersion, DateTimeOffset At);
}
