using System.Text.Json;
using System.Text.Unicode;
using FerActors.Shared.Files;

namespace FerActors.Vision.Configuration;

/// <summary>Reads the fields of a JSON object and collects what is wrong with them, so that a file's faults are told at once.</summary>
/// <remarks>As in Hugging Face's configurations, a field that is <c>null</c> counts as absent. Unknown fields are not looked at.</remarks>
internal sealed class JsonFields
{
    /// <summary>Longest configuration file: a checkpoint of ImageNet-21k with its 21,843 labels twice has about 2 MB.</summary>
    public const int MaxBytes = 8 << 20;

    private const int MaxDepth = 32;
    private const int MaxTextLength = 1024;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private readonly JsonElement _object;
    private readonly string _path;
    private readonly List<string> _errors;

    private JsonFields(JsonElement value, string path, List<string> errors)
    {
        _object = value;
        _path = path;
        _errors = errors;
    }

    /// <summary>Opens a file and gives its bytes.</summary>
    /// <exception cref="VitConfigException">The file is longer than <see cref="MaxBytes"/>.</exception>
    public static byte[] ReadFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = RegularFile.OpenRead(path);
        if (stream.Length > MaxBytes)
        {
            throw new VitConfigException(Path.GetFileName(path), [$"The file has {stream.Length} bytes, over the limit of {MaxBytes}."]);
        }

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Parses a file and hands its fields to <paramref name="read"/>.</summary>
    /// <param name="json">UTF-8, with or without a byte order mark.</param>
    /// <param name="source">Name of the file in the message.</param>
    /// <param name="read">Reads the fields; what it adds to the list are errors too.</param>
    /// <exception cref="VitConfigException">The text is no JSON object, or there were errors.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> json, string source, Func<JsonFields, List<string>, T> read)
    {
        if (json.Length > MaxBytes)
        {
            throw new VitConfigException(source, [$"The file has {json.Length} bytes, over the limit of {MaxBytes}."]);
        }

        if (json.Span.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        var errors = new List<string>();
        T result;
        try
        {
            if (!Utf8.IsValid(json.Span))
            {
                throw new JsonException("The text is not UTF-8.");
            }

            using var document = JsonDocument.Parse(json, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new JsonException("The text is not an object.");
            }

            result = read(new JsonFields(document.RootElement, string.Empty, errors), errors);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a text with half of a surrogate pair.
            throw new VitConfigException($"{source}: The file is not valid JSON. {error.Message}", error);
        }

        return errors.Count == 0 ? result : throw new VitConfigException(source, errors);
    }

    public bool Has(string name) => TryGet(name, out _);

    public bool Bool(string name, bool otherwise)
    {
        if (!TryGet(name, out var value))
        {
            return otherwise;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fault(name, "is neither true nor false");
            return otherwise;
        }

        return value.GetBoolean();
    }

    public int Int(string name, int otherwise)
    {
        if (!TryGet(name, out var value))
        {
            return otherwise;
        }

        if (!TryGetInt(value, out var number))
        {
            Fault(name, "is not a whole number of 32 bits");
            return otherwise;
        }

        return number;
    }

    public double Double(string name, double otherwise)
    {
        if (!TryGet(name, out var value))
        {
            return otherwise;
        }

        if (!TryGetDouble(value, out var number))
        {
            Fault(name, "is not a finite number");
            return otherwise;
        }

        return number;
    }

    public string? Text(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: <= MaxTextLength } text)
        {
            Fault(name, $"is not a text of at most {MaxTextLength} characters");
            return null;
        }

        return text;
    }

    /// <summary>A side that is a number, or a pair [height, width] of equal numbers.</summary>
    public int Side(string name, int otherwise)
    {
        if (!TryGet(name, out var value) || value.ValueKind != JsonValueKind.Array)
        {
            return Int(name, otherwise);
        }

        if (value.GetArrayLength() != 2 || !TryGetInt(value[0], out var height) || !TryGetInt(value[1], out var width))
        {
            Fault(name, "is neither a whole number nor a pair of them");
            return otherwise;
        }

        if (height != width)
        {
            Fault(name, $"is [{height}, {width}]; only squares are supported");
            return otherwise;
        }

        return height;
    }

    public IReadOnlyList<int>? Ints(string name, int most) => List<int>(name, most, TryGetInt, "whole numbers");

    public IReadOnlyList<double>? Doubles(string name, int most) => List<double>(name, most, TryGetDouble, "finite numbers");

    public IReadOnlyList<string>? Texts(string name, int most) => List<string>(name, most, TryGetText, "texts");

    public bool IsNumber(string name) => TryGet(name, out var value) && value.ValueKind == JsonValueKind.Number;

    public JsonFields? Object(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            Fault(name, "is not an object");
            return null;
        }

        return new JsonFields(value, $"{_path}{name}.", _errors);
    }

    /// <summary>The fields in the order of the file; fields that are <c>null</c> too.</summary>
    public IEnumerable<JsonProperty> All() => _object.EnumerateObject();

    public void Fault(string name, string fault) => _errors.Add($"{_path}{name} {fault}.");

    internal static bool TryGetInt(JsonElement value, out int number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out number);
    }

    private static bool TryGetDouble(JsonElement value, out double number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out number) && double.IsFinite(number);
    }

    private static bool TryGetText(JsonElement value, out string text)
    {
        text = value.ValueKind == JsonValueKind.String ? value.GetString()! : string.Empty;
        return value.ValueKind == JsonValueKind.String && text.Length <= MaxTextLength;
    }

    private delegate bool Getter<T>(JsonElement value, out T item);

    private List<T>? List<T>(string name, int most, Getter<T> get, string what)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most)
        {
            Fault(name, $"is not a list of at most {most} {what}");
            return null;
        }

        var items = new List<T>();
        foreach (var entry in value.EnumerateArray())
        {
            if (!get(entry, out var item))
            {
                Fault(name, $"is not a list of {what}");
                return null;
            }

            items.Add(item);
        }

        return items;
    }

    private bool TryGet(string name, out JsonElement value) =>
        _object.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
}
