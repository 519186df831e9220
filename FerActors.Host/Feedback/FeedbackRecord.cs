using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FerActors.Shared.Feedback;

namespace FerActors.Host.Feedback;

/// <summary>One line of the store.</summary>
/// <param name="At">When it was stored.</param>
/// <param name="Feedback">What was said.</param>
public sealed record FeedbackRecord(DateTimeOffset At, FaceFeedback Feedback)
{
    /// <summary>The record as a line of JSON, its end included.</summary>
    public byte[] ToLine()
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("at", At.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            FeedbackFields.WriteFields(json, Feedback);
            json.WriteEndObject();
        }

        bytes.Write("\n"u8);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Reads a line; <see langword="null"/> for one that is none, as a crash may leave behind.</summary>
    public static FeedbackRecord? FromLine(ReadOnlyMemory<byte> line)
    {
        if (!FeedbackFields.TryRead(line, out var fields, out _) || !fields!.TryComplete(out var feedback, out _))
        {
            return null;
        }

        using var document = JsonDocument.Parse(line);
        return document.RootElement.TryGetProperty("at", out var at)
            && at.ValueKind == JsonValueKind.String
            && at.TryGetDateTimeOffset(out var moment)
            ? new FeedbackRecord(moment, feedback!)
            : null;
    }
}
