using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Unicode;

namespace FerActors.Vision.Safetensors;

/// <summary>Parses and checks the JSON header of a safetensors file.</summary>
/// <remarks>
/// Rules of https://github.com/huggingface/safetensors (README, "Format"), all of which its own reader enforces, plus bounds on the
/// number of tensors, their rank and the length of their names, so that a hostile header cannot cost more than its own size times a
/// small factor.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>Size of the length field before the header.</summary>
    public const int LengthFieldBytes = 8;

    public const string MetadataKey = "__metadata__";

    // A header needs three levels; the rest is room for fields that a later version of the format may add.
    private const int MaxDepth = 8;

    private SafetensorsHeader(IReadOnlyDictionary<string, TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <param name="json">The header without its length field.</param>
    /// <param name="dataLength">Bytes of the file behind the header.</param>
    /// <exception cref="SafetensorsFormatException">A rule is broken.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw new SafetensorsFormatException("The header does not start with '{'.");
        }

        if (!Utf8.IsValid(json))
        {
            throw new SafetensorsFormatException("The header is not valid UTF-8.");
        }

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            _ = reader.Read();
            var header = ReadObject(ref reader);
            // Anything but white space behind the object makes this call throw.
            _ = reader.Read();
            CheckOffsets(header.Tensors.Values, dataLength);
            return header;
        }
        catch (JsonException error)
        {
            throw new SafetensorsFormatException(
                $"The header is not valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}).", error);
        }
    }

    private static SafetensorsHeader ReadObject(ref Utf8JsonReader reader)
    {
        var tensors = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        Dictionary<string, string>? metadata = null;
        var hasMetadata = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = ReadName(ref reader);
            _ = reader.Read();
            if (name == MetadataKey)
            {
                if (hasMetadata)
                {
                    throw new SafetensorsFormatException($"The header has the key {MetadataKey} twice.");
                }

                hasMetadata = true;
                // As the reference reader does: null is the same as no metadata.
                metadata = reader.TokenType == JsonTokenType.Null ? null : ReadMetadata(ref reader);
            }
            else
            {
                if (tensors.Count == SafetensorsLimits.Tensors)
                {
                    throw new SafetensorsFormatException($"The header has more than {SafetensorsLimits.Tensors} tensors.");
                }

                if (!tensors.TryAdd(name, ReadTensor(ref reader, name)))
                {
                    throw new SafetensorsFormatException($"The header has the tensor {Quote(name)} twice.");
                }
            }
        }

        return new SafetensorsHeader(
            tensors.AsReadOnly(),
            metadata is null ? FrozenDictionary<string, string>.Empty : metadata.AsReadOnly());
    }

    private static Dictionary<string, string> ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new SafetensorsFormatException($"{MetadataKey} is neither an object nor null.");
        }

        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = ReadName(ref reader);
            _ = reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new SafetensorsFormatException($"{MetadataKey} maps {Quote(key)} to something that is not a string.");
            }

            if (metadata.Count == SafetensorsLimits.MetadataEntries)
            {
                throw new SafetensorsFormatException($"{MetadataKey} has more than {SafetensorsLimits.MetadataEntries} entries.");
            }

            if (!metadata.TryAdd(key, ReadString(ref reader, key)))
            {
                throw new SafetensorsFormatException($"{MetadataKey} has the key {Quote(key)} twice.");
            }
        }

        return metadata;
    }

    private static TensorInfo ReadTensor(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new SafetensorsFormatException($"Tensor {Quote(name)} is not described by an object.");
        }

        SafetensorsDType? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            // Read, not compared where it stands: the comparison has no documented error for half of a surrogate pair.
            switch (ReadString(ref reader, name))
            {
                case "dtype":
                    RefuseSecond(dtype, name, "dtype");
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape":
                    RefuseSecond(shape, name, "shape");
                    shape = ReadNumbers(ref reader, name, "shape", SafetensorsLimits.Rank);
                    break;
                case "data_offsets":
                    RefuseSecond(offsets, name, "data_offsets");
                    offsets = ReadNumbers(ref reader, name, "data_offsets", 2);
                    break;
                default:
                    // As the reference reader does: a field that it does not know is not an error.
                    _ = reader.Read();
                    reader.Skip();
                    break;
            }
        }

        if (dtype is null || shape is null || offsets is null)
        {
            var field = dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw new SafetensorsFormatException($"Tensor {Quote(name)} has no {field}.");
        }

        if (offsets.Length != 2)
        {
            throw new SafetensorsFormatException($"The data_offsets of tensor {Quote(name)} are not two numbers.");
        }

        var (begin, end) = (offsets[0], offsets[1]);
        if (end < begin)
        {
            throw new SafetensorsFormatException($"Tensor {Quote(name)} ends at {end}, before its begin at {begin}.");
        }

        if (!SafetensorsDTypes.TryMeasure(dtype.Value, shape, out _, out var bytes))
        {
            throw new SafetensorsFormatException(
                $"The size of tensor {Quote(name)}, {dtype.Value.FormatName()} [{string.Join(",", shape)}], "
                + $"overflows or does not fill whole bytes.");
        }

        if (end - begin != bytes)
        {
            throw new SafetensorsFormatException(
                $"Tensor {Quote(name)}, {dtype.Value.FormatName()} [{string.Join(",", shape)}], "
                + $"needs {bytes} bytes, but its data_offsets span {end - begin}.");
        }

        return new TensorInfo(name, dtype.Value, Array.AsReadOnly(shape), begin, end);
    }

    private static SafetensorsDType ReadDType(ref Utf8JsonReader reader, string tensor)
    {
        _ = reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new SafetensorsFormatException($"The dtype of tensor {Quote(tensor)} is not a string.");
        }

        var name = ReadString(ref reader, tensor);
        return SafetensorsDTypes.TryParse(name, out var dtype)
            ? dtype
            : throw new SafetensorsFormatException($"Tensor {Quote(tensor)} has the unknown dtype {Quote(name)}.");
    }

    private static long[] ReadNumbers(ref Utf8JsonReader reader, string tensor, string field, int most)
    {
        _ = reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new SafetensorsFormatException($"The {field} of tensor {Quote(tensor)} is not a list.");
        }

        Span<long> numbers = stackalloc long[SafetensorsLimits.Rank];
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == most)
            {
                throw new SafetensorsFormatException($"The {field} of tensor {Quote(tensor)} has more than {most} numbers.");
            }

            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out numbers[count]) || numbers[count] < 0)
            {
                throw new SafetensorsFormatException(
                    $"The {field} of tensor {Quote(tensor)} has an entry that is not a whole number from 0 to {long.MaxValue}.");
            }

            count++;
        }

        return numbers[..count].ToArray();
    }

    private static string ReadName(ref Utf8JsonReader reader)
    {
        if (reader.ValueSpan.Length > SafetensorsLimits.NameBytes)
        {
            throw new SafetensorsFormatException($"The header has a name of more than {SafetensorsLimits.NameBytes} bytes.");
        }

        return ReadString(ref reader, owner: null);
    }

    private static string ReadString(ref Utf8JsonReader reader, string? owner)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            // The only cause for a string token in valid UTF-8: an escape that names half of a surrogate pair.
            var where = owner is null ? "A name in the header" : $"The header at {Quote(owner)}";
            throw new SafetensorsFormatException($"{where} has an escape sequence that is no character.", error);
        }
    }

    private static void RefuseSecond(object? earlier, string tensor, string field)
    {
        if (earlier is not null)
        {
            throw new SafetensorsFormatException($"Tensor {Quote(tensor)} has the field {field} twice.");
        }
    }

    private static void CheckOffsets(IEnumerable<TensorInfo> tensors, long dataLength)
    {
        var position = 0L;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.End))
        {
            if (tensor.Begin != position)
            {
                var fault = tensor.Begin < position ? "overlaps the tensor before it" : "leaves a hole before it";
                throw new SafetensorsFormatException(
                    $"Tensor {Quote(tensor.Name)} {fault}: it begins at {tensor.Begin}, not at {position}.");
            }

            position = tensor.End;
        }

        if (position != dataLength)
        {
            throw new SafetensorsFormatException(
                $"The tensors end at byte {position} of the data, but the file holds {dataLength} bytes of it.");
        }
    }

    /// <summary>A name from a file, fit for a message or a log: short and without control characters.</summary>
    internal static string Quote(string name)
    {
        const int longest = 96;
        var shown = name.Length <= longest ? name : name[..longest] + "...";
        return string.Create(shown.Length + 2, shown, static (quoted, text) =>
        {
            quoted[0] = '\'';
            for (var i = 0; i < text.Length; i++)
            {
                quoted[i + 1] = char.IsControl(text[i]) || char.IsSurrogate(text[i]) ? '?' : text[i];
            }

            quoted[^1] = '\'';
        });
    }
}
