using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Training.Engine;

namespace FerActors.Training.Runs;

/// <summary>The run's log: one JSON object a line for each epoch.</summary>
public static class EpochLog
{
    // Ten thousand epochs, the most there may be, take about 3 MB.
    private const int MaxBytes = 16 << 20;

    public static string Line(EpochRecord record) => JsonSerializer.Serialize(record, EpochLogContext.Default.EpochRecord) + "\n";

    /// <summary>Reads a log. Of an epoch that was run twice, after a crash, the later line counts.</summary>
    /// <exception cref="InvalidDataException">The file is too long, or a line is no epoch; the message names the line.</exception>
    public static async Task<IReadOnlyList<EpochRecord>> ReadAsync(string path, CancellationToken cancellation = default)
    {
        if (new FileInfo(path).Length > MaxBytes)
        {
            throw new InvalidDataException($"{path} has more than {MaxBytes} bytes; it is no run's log.");
        }

        var epochs = new SortedDictionary<int, EpochRecord>();
        var number = 0;
        foreach (var line in await File.ReadAllLinesAsync(path, cancellation))
        {
            number++;
            try
            {
                var record = JsonSerializer.Deserialize(line, EpochLogContext.Default.EpochRecord) ?? throw new JsonException("It is null.");
                epochs[record.Epoch] = record;
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{path}, line {number}: is no epoch. {e.Message}", e);
            }
        }

        return [.. epochs.Values];
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EpochRecord))]
internal sealed partial class EpochLogContext : JsonSerializerContext;
