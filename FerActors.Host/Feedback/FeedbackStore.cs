using System.Globalization;
using FerActors.Shared.Feedback;
using FerActors.Shared.Files;

namespace FerActors.Host.Feedback;

/// <summary>
/// Feedback in a folder: a file of JSON lines for each day (UTC), only ever appended to, so that keeping it for a time is deleting
/// files. Used by one thread at a time.
/// </summary>
/// <param name="folder">Made where it is absent; only its owner may read it.</param>
public sealed class FeedbackStore(string folder)
{
    private const string Prefix = "feedback-";
    private const string Suffix = ".jsonl";
    private const string DayFormat = "yyyy-MM-dd";
    private const byte LineEnd = (byte)'\n';

    // As long as the longest record may be, each of whose characters JSON may write as six; a longer line is none of ours.
    private const int MaxLine = FeedbackFields.MaxBytes;

    /// <summary>Appends records, and returns when the disk has them.</summary>
    /// <exception cref="IOException">They could not be written; none, some or all of them may stand in the file.</exception>
    public void Append(IReadOnlyList<FeedbackRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        foreach (var day in records.GroupBy(record => DateOnly.FromDateTime(record.At.UtcDateTime)))
        {
            using var file = Open(day.Key);
            EndTornLine(file);
            foreach (var record in day)
            {
                file.Write(record.ToLine());
            }

            file.Flush(flushToDisk: true);
        }
    }

    /// <summary>The latest records, oldest first. Lines that are none are passed over.</summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<FeedbackRecord> ReadLatest(int most)
    {
        var newest = new List<FeedbackRecord>();
        foreach (var (_, path) in Files().OrderByDescending(file => file.Day))
        {
            if (newest.Count >= most)
            {
                break;
            }

            var day = new Queue<FeedbackRecord>();
            foreach (var record in Lines(path).Select(line => FeedbackRecord.FromLine(line.Bytes)).OfType<FeedbackRecord>())
            {
                day.Enqueue(record);
                if (day.Count > most - newest.Count)
                {
                    day.Dequeue();
                }
            }

            newest.InsertRange(0, day);
        }

        return newest;
    }

    /// <summary>Deletes whole days.</summary>
    /// <param name="first">The first day that is kept.</param>
    /// <returns>Days that were deleted.</returns>
    public int DeleteBefore(DateOnly first)
    {
        var old = Files().Where(file => file.Day < first).ToList();
        foreach (var (_, path) in old)
        {
            File.Delete(path);
        }

        return old.Count;
    }

    /// <summary>Deletes what was said of a message: its lines become blanks of the same length, so that a node may go on appending meanwhile.</summary>
    /// <returns>Records that were deleted.</returns>
    public int Delete(string messageId)
    {
        var deleted = 0;
        foreach (var (_, path) in Files())
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            foreach (var (start, line) in Lines(path))
            {
                if (FeedbackRecord.FromLine(line)?.Feedback.MessageId == messageId)
                {
                    file.Position = start;
                    file.Write(Enumerable.Repeat((byte)' ', line.Length).ToArray());
                    deleted++;
                }
            }

            file.Flush(flushToDisk: true);
        }

        return deleted;
    }

    private FileStream Open(DateOnly day)
    {
        var file = OwnerOnlyFiles.Open(
            folder,
            Prefix + day.ToString(DayFormat, CultureInfo.InvariantCulture) + Suffix,
            new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite });
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    // What a crash left half-written must not swallow the next record.
    private static void EndTornLine(FileStream file)
    {
        if (file.Length == 0)
        {
            return;
        }

        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != LineEnd)
        {
            file.WriteByte(LineEnd);
        }
    }

    private IEnumerable<(DateOnly Day, string Path)> Files()
    {
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, Prefix + "*" + Suffix) : [])
        {
            if (DateOnly.TryParseExact(
                Path.GetFileName(path)[Prefix.Length..^Suffix.Length], DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            {
                yield return (day, path);
            }
        }
    }

    // Lines with where they begin, without their ends; too long ones and the torn last one are left out.
    private static IEnumerable<(long Start, ReadOnlyMemory<byte> Bytes)> Lines(string path)
    {
        using var file = new BufferedStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), 64 * 1024);
        var line = new List<byte>();
        long start = 0, at = 0;
        for (var next = file.ReadByte(); next >= 0; next = file.ReadByte())
        {
            at++;
            if (next != LineEnd)
            {
                if (line.Count <= MaxLine)
                {
                    line.Add((byte)next);
                }

                continue;
            }

            if (line.Count is > 0 and <= MaxLine)
            {
                yield return (start, line.ToArray());
            }

            line.Clear();
            start = at;
        }
    }
}
