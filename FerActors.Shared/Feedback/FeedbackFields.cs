using System.Buffers;
using System.Text;
using System.Text.Json;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Feedback;

/// <summary>The fields of a feedback message as they came, each within its bounds. Absent are those that the API may add.</summary>
/// <param name="MessageId">The id of the result.</param>
/// <param name="Face">The face's place in the result, from 0.</param>
/// <param name="Label">What the expression is.</param>
/// <param name="Predicted">What the result said.</param>
/// <param name="ModelVersion">The version that said it.</param>
/// <param name="Source">Who says so.</param>
public sealed record FeedbackFields(string MessageId, int Face, Expression Label, Expression? Predicted, string? ModelVersion, string? Source)
{
    /// <summary>Largest message, in bytes; a real one has about 200.</summary>
    public const int MaxBytes = 4096;

    /// <summary>Highest number of a face.</summary>
    public const int MaxFace = 1023;

    // An AMQP short string, as every message-id is one.
    private const int MaxIdBytes = 255;
    private const int MaxVersionBytes = 128;
    private const int MaxSourceLength = 64;
    private const int MaxDepth = 4;

    /// <summary>Reads a message from a stranger.</summary>
    /// <param name="json">The message's body.</param>
    /// <param name="fields">What it says.</param>
    /// <param name="fault">What is wrong with it, as a sentence that quotes nothing of it.</param>
    public static bool TryRead(ReadOnlyMemory<byte> json, out FeedbackFields? fields, out string? fault)
    {
        (fields, fault) = Read(json);
        return fault is null;
    }

    /// <summary>The feedback, where nothing is absent.</summary>
    /// <param name="feedback">The same, whole.</param>
    /// <param name="fault">What is absent, as a sentence.</param>
    public bool TryComplete(out FaceFeedback? feedback, out string? fault)
    {
        feedback = null;
        string?[] absent = [Predicted is null ? "predicted" : null, ModelVersion is null ? "model_version" : null, Source is null ? "source" : null];
        fault = absent.All(name => name is null) ? null : $"It lacks {string.Join(", ", absent.Where(name => name is not null))}.";
        if (fault is null)
        {
            feedback = new FaceFeedback(MessageId, Face, Label, Predicted!.Value, ModelVersion!, Source!);
        }

        return fault is null;
    }

    /// <summary>A name that may stand for who gives feedback: 1 to 64 letters, digits, '-', '_', '.', ':', '@'.</summary>
    public static bool IsSource(string? text) =>
        text is { Length: > 0 and <= MaxSourceLength } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '@');

    /// <summary>The message for a feedback, as it travels.</summary>
    public static byte[] Write(FaceFeedback feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            WriteFields(json, feedback);
            json.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Writes the fields into an object that was begun.</summary>
    public static void WriteFields(Utf8JsonWriter json, FaceFeedback feedback)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(feedback);
        json.WriteString("message_id", feedback.MessageId);
        json.WriteNumber("face", feedback.Face);
        json.WriteString("label", feedback.Label.ToString());
        json.WriteString("predicted", feedback.Predicted.ToString());
        json.WriteString("model_version", feedback.ModelVersion);
        json.WriteString("source", feedback.Source);
    }

    private static (FeedbackFields? Fields, string? Fault) Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length is 0 or > MaxBytes)
        {
            return (null, $"It has {json.Length} bytes; it must be 1 to {MaxBytes}.");
        }

        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(document.RootElement) : (null, "It is no JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is text that is no Unicode.
            return (null, "It is no JSON object, or names a field twice.");
        }
    }

    private static (FeedbackFields? Fields, string? Fault) Read(JsonElement message)
    {
        var id = Text(message, "message_id", MaxIdBytes);
        var version = Text(message, "model_version", MaxVersionBytes);
        var source = Text(message, "source", MaxSourceLength);
        var faults = new List<string>();
        if (id is not { Length: > 0 })
        {
            faults.Add($"message_id must be text of 1 to {MaxIdBytes} bytes without control characters");
        }

        if (!message.TryGetProperty("face", out var place) || place.ValueKind != JsonValueKind.Number || !place.TryGetInt32(out var face) || face is < 0 or > MaxFace)
        {
            face = 0;
            faults.Add($"face must be a whole number from 0 to {MaxFace}");
        }

        if (LabelOf(message, "label") is not { } label)
        {
            label = default;
            faults.Add("label must be an expression's name, or its number from 0 to 6");
        }

        var predicted = LabelOf(message, "predicted");
        Require(predicted is not null, "predicted", "an expression's name, or its number from 0 to 6");
        Require(version is { Length: > 0 }, "model_version", $"text of 1 to {MaxVersionBytes} bytes without control characters");
        Require(IsSource(source), "source", $"1 to {MaxSourceLength} letters, digits, '-', '_', '.', ':' or '@'");
        return faults.Count == 0
            ? (new FeedbackFields(id!, face, label, predicted, version, source), null)
            : (null, $"In it {string.Join("; ", faults)}.");

        // Absent is allowed here, wrong is not.
        void Require(bool good, string name, string expected)
        {
            if (!good && message.TryGetProperty(name, out _))
            {
                faults.Add($"{name} must be {expected}");
            }
        }
    }

    private static string? Text(JsonElement message, string name, int most) =>
        message.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
        && value.GetString() is { } text
        && Encoding.UTF8.GetByteCount(text) <= most
        && !text.Any(char.IsControl)
            ? text
            : null;

    private static Expression? LabelOf(JsonElement message, string name)
    {
        if (!message.TryGetProperty(name, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.String when ExpressionNames.TryParse(value.GetString(), out var named) => named,
            JsonValueKind.Number when value.TryGetInt32(out var number) && number is >= 0 and < ExpressionNames.Count => (Expression)number,
            _ => null,
        };
    }
}
