using System.Buffers.Binary;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Messaging;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>Turns the one input into encoded images, whichever way the client wrote the tensor.</summary>
/// <param name="maxImageBytes">Bytes of one image as it is published.</param>
/// <param name="maxImages">Images of one request.</param>
internal sealed class ImageTensor(int maxImageBytes, int maxImages)
{
    /// <summary>The name of the one input.</summary>
    public const string Name = "image";

    private const string Misfit = "the data does not fit the shape";

    /// <summary>The images of one tensor.</summary>
    /// <param name="datatype">BYTES for encoded images; UINT8 for pixels, or for the bytes of one encoded image.</param>
    /// <param name="shape">One to four dimensions.</param>
    /// <param name="data">The elements.</param>
    /// <exception cref="ApiException">The tensor is none of these, or too large.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> Read(string? datatype, IReadOnlyList<long> shape, ITensorData data)
    {
        if (shape.Count is 0 or > 4 || shape.Any(dimension => dimension is < 1 or > int.MaxValue))
        {
            throw Invalid("the shape must have one to four dimensions, each at least 1");
        }

        return datatype switch
        {
            "BYTES" => ReadEncoded(shape, data),
            "UINT8" => ReadPixels(shape, data),
            null or "" => throw Invalid("its input has no datatype; it must be BYTES or UINT8"),
            _ => throw Invalid($"the datatype is '{UntrustedText.Shown(datatype)}'; it must be BYTES or UINT8"),
        };
    }

    /// <summary>Splits a tensor of BYTES in the protocol's binary form: each element behind its length in four bytes, little-endian.</summary>
    /// <param name="binary">The tensor.</param>
    /// <param name="most">Elements that it may have.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> binary, long most)
    {
        var elements = new List<ReadOnlyMemory<byte>>();
        while (binary.Length >= sizeof(int))
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(binary.Span);
            if (length > binary.Length - sizeof(int) || elements.Count == most)
            {
                throw Invalid("the binary data does not fit the shape");
            }

            elements.Add(binary.Slice(sizeof(int), (int)length));
            binary = binary[(sizeof(int) + (int)length)..];
        }

        return binary.IsEmpty ? elements : throw Invalid("the binary data does not fit the shape");
    }

    private IReadOnlyList<ReadOnlyMemory<byte>> ReadEncoded(IReadOnlyList<long> shape, ITensorData data)
    {
        var count = Product(shape);
        CheckCount(count);
        var images = data.Elements(count);
        return images.Count != count ? throw Invalid(Misfit) : images.All(image => image.Length <= maxImageBytes) ? images : throw TooLarge();
    }

    private IReadOnlyList<ReadOnlyMemory<byte>> ReadPixels(IReadOnlyList<long> shape, ITensorData data)
    {
        var (count, height, width, channels) = shape switch
        {
            [var h, var w] => (1L, h, w, 1L),
            [var h, var w, var c] => (1L, h, w, c),
            [var n, var h, var w, var c] => (n, h, w, c),
            _ => (1L, 0L, 0L, 1L),
        };
        CheckCount(count);
        if (channels is not (1 or 3))
        {
            throw Invalid("the last dimension must be 1 (gray) or 3 (red, green, blue)");
        }

        // Before anything is allocated for it. One dimension is one encoded image, whose bytes these are.
        if ((height == 0 ? shape[0] : Bitmap.Length(height, width)) > maxImageBytes || width > maxImageBytes)
        {
            throw TooLarge();
        }

        // Nor for several: each value takes a byte at least.
        var values = Product(shape);
        if (values > data.MostValues)
        {
            throw Invalid(Misfit);
        }

        var bytes = data.Bytes(values);
        if (bytes.Length != values)
        {
            throw Invalid(Misfit);
        }

        if (height == 0)
        {
            return [bytes];
        }

        var one = (int)(height * width * channels);
        return [.. Enumerable.Range(0, (int)count).Select(i =>
            (ReadOnlyMemory<byte>)Bitmap.Encode(bytes.Span.Slice(i * one, one), (int)height, (int)width, (int)channels))];
    }

    private void CheckCount(long count)
    {
        if (count > maxImages)
        {
            throw Invalid($"it has more than {maxImages} images");
        }
    }

    private static long Product(IReadOnlyList<long> shape)
    {
        var product = 1L;
        foreach (var dimension in shape)
        {
            product = product > int.MaxValue / dimension ? throw Invalid("the shape is too large") : product * dimension;
        }

        return product;
    }

    private static ApiException Invalid(string why) => JsonMember.Invalid(why);

    private ApiException TooLarge() => new(
        ErrorCodes.TooLarge, $"An image has more than {maxImageBytes} bytes (pixels count as the BMP that they become); send it encoded, as BYTES.");
}

/// <summary>The elements of a tensor as a client wrote them.</summary>
internal interface ITensorData
{
    /// <summary>More values than this cannot be there, as what was sent shows without being read.</summary>
    long MostValues { get; }

    /// <summary>The elements of a tensor of BYTES; one more than expected at most.</summary>
    IReadOnlyList<ReadOnlyMemory<byte>> Elements(long expected);

    /// <summary>The elements of a tensor of UINT8; one more than expected at most.</summary>
    ReadOnlyMemory<byte> Bytes(long expected);
}

/// <summary>A tensor in the protocol's binary form.</summary>
internal sealed class BinaryTensorData(ReadOnlyMemory<byte> binary) : ITensorData
{
    public long MostValues => binary.Length;

    public IReadOnlyList<ReadOnlyMemory<byte>> Elements(long expected) => ImageTensor.Split(binary, expected);

    public ReadOnlyMemory<byte> Bytes(long expected) => binary;
}
