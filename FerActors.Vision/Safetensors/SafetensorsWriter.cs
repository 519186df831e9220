using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FerActors.Shared.Files;

namespace FerActors.Vision.Safetensors;

/// <summary>Writes safetensors files. The same tensors and metadata give the same bytes, in whatever order they come.</summary>
public static class SafetensorsWriter
{
    // Escaping can make a byte six; what is written here has to stay within the reader's bound.
    private const int MaxNameBytes = SafetensorsLimits.NameBytes / 6;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Writes a file as a whole or not at all: into a temporary file of the same folder, flushed to the disk, then renamed over
    /// <paramref name="path"/>.
    /// </summary>
    /// <param name="path">The file; replaced where it exists. Its folder must exist.</param>
    /// <param name="tensors">The tensors; their order does not matter.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>; <see langword="null"/> or empty for none.</param>
    /// <exception cref="ArgumentException">The tensors cannot make a valid file; the message names the tensor and the rule.</exception>
    /// <exception cref="IOException">The file cannot be written; what stood at <paramref name="path"/> is untouched.</exception>
    public static void Write(string path, IReadOnlyList<TensorData> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var (ordered, header) = Prepare(tensors, metadata);
        AtomicFile.Write(path, stream => Write(stream, ordered, header));
    }

    /// <summary>Writes the same bytes to a stream.</summary>
    /// <exception cref="ArgumentException">The tensors cannot make a valid file.</exception>
    public static void Write(Stream stream, IReadOnlyList<TensorData> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var (ordered, header) = Prepare(tensors, metadata);
        Write(stream, ordered, header);
    }

    private static void Write(Stream stream, IReadOnlyList<TensorData> ordered, ReadOnlySpan<byte> header)
    {
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthFieldBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in ordered)
        {
            stream.Write(tensor.Bytes.Span);
        }
    }

    private static (IReadOnlyList<TensorData> Ordered, byte[] Header) Prepare(
        IReadOnlyList<TensorData> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Check(tensors);
        Check(metadata);

        // The reference writer's order. Larger elements first keeps every tensor aligned to its own elements.
        var ordered = tensors
            .Select(tensor => (Tensor: tensor, Key: StrictUtf8.GetBytes(tensor.Name)))
            .OrderByDescending(entry => entry.Tensor.DType)
            .ThenBy(entry => entry.Key, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)))
            .Select(entry => entry.Tensor)
            .ToList();
        return (ordered, Header(ordered, metadata));
    }

    private static void Check(IReadOnlyList<TensorData> tensors)
    {
        if (tensors.Count > SafetensorsLimits.Tensors)
        {
            throw new ArgumentException($"More than {SafetensorsLimits.Tensors} tensors.", nameof(tensors));
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            var quoted = SafetensorsHeader.Quote(tensor.Name);
            if (tensor.Name == SafetensorsHeader.MetadataKey)
            {
                throw new ArgumentException($"A tensor may not be called {quoted}.", nameof(tensors));
            }

            CheckName(tensor.Name, nameof(tensors));
            if (!names.Add(tensor.Name))
            {
                throw new ArgumentException($"Two tensors are called {quoted}.", nameof(tensors));
            }

            if (tensor.Shape.Length > SafetensorsLimits.Rank || tensor.Shape.Any(size => size < 0))
            {
                throw new ArgumentException(
                    $"The shape of tensor {quoted} has a negative size or more than {SafetensorsLimits.Rank} of them.", nameof(tensors));
            }

            if (!SafetensorsDTypes.TryMeasure(tensor.DType, tensor.Shape, out _, out var bytes) || bytes != tensor.Bytes.Length)
            {
                throw new ArgumentException(
                    $"Tensor {quoted}, {tensor.DType.FormatName()} [{string.Join(",", tensor.Shape)}], "
                    + $"does not fit its {tensor.Bytes.Length} bytes.",
                    nameof(tensors));
            }
        }
    }

    private static void Check(IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null)
        {
            return;
        }

        if (metadata.Count > SafetensorsLimits.MetadataEntries)
        {
            throw new ArgumentException($"More than {SafetensorsLimits.MetadataEntries} metadata entries.", nameof(metadata));
        }

        foreach (var key in metadata.Keys)
        {
            CheckName(key, nameof(metadata));
        }
    }

    private static void CheckName(string name, string parameter)
    {
        // Throws for text that is not valid UTF-16 as well.
        if (StrictUtf8.GetByteCount(name) > MaxNameBytes)
        {
            throw new ArgumentException($"The name {SafetensorsHeader.Quote(name)} is longer than {MaxNameBytes} bytes.", parameter);
        }
    }

    private static byte[] Header(IReadOnlyList<TensorData> ordered, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>(initialCapacity: 1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                {
                    json.WriteString(StrictUtf8.GetBytes(key), StrictUtf8.GetBytes(value));
                }

                json.WriteEndObject();
            }

            var position = 0L;
            foreach (var tensor in ordered)
            {
                json.WriteStartObject(StrictUtf8.GetBytes(tensor.Name));
                json.WriteString("dtype"u8, tensor.DType.FormatName());
                json.WriteStartArray("shape"u8);
                foreach (var size in tensor.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets"u8);
                json.WriteNumberValue(position);
                position += tensor.Bytes.Length;
                json.WriteNumberValue(position);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        var padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenCount <= SafetensorsLimits.HeaderBytes
            ? buffer.WrittenSpan.ToArray()
            : throw new ArgumentException(
                $"The header takes {buffer.WrittenCount} bytes, over the limit of {SafetensorsLimits.HeaderBytes}.");
    }
}
