using System.Globalization;
using System.Text;
using Google.Protobuf;
using Tensorboard;

namespace FerActors.Training.Tracking;

/// <summary>Writes a run's scalars and its options into an event file that TensorBoard shows. A resumed run adds a file.</summary>
public sealed class TensorBoardTracker : IRunTracker
{
    private readonly string _folder;
    private readonly TimeProvider _time;
    private EventFileWriter? _writer;
    private bool _resumed;

    /// <param name="folder">The log folder; made where it does not exist.</param>
    /// <param name="time">Names the file.</param>
    public TensorBoardTracker(string folder, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _folder = folder;
        _time = time ?? TimeProvider.System;
    }

    public string Name => "TensorBoard";

    public Task StartAsync(TrackedRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        Directory.CreateDirectory(_folder);
        var now = _time.GetUtcNow();
        _resumed = Directory.EnumerateFiles(_folder, "*tfevents*").Any();
        _writer = new EventFileWriter(Path.Combine(_folder, FileName(now)), now);
        _writer.Write(Text("options", Table("option", run.Parameters), now));
        _writer.Write(Text("tags", Table("tag", run.Tags), now));
        _writer.Flush();
        return Task.CompletedTask;
    }

    public Task LogAsync(IReadOnlyList<TrackedMetric> metrics, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var writer = Writer;
        if (_resumed && metrics.Count > 0)
        {
            // Tells TensorBoard that what the interrupted run wrote from this step on is void.
            _resumed = false;
            writer.Write(new Event
            {
                WallTime = EventFileWriter.Seconds(metrics[0].Time),
                Step = metrics[0].Step,
                SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start },
            });
        }

        foreach (var metric in metrics)
        {
            var summary = new Summary();
            summary.Value.Add(new Summary.Types.Value { Tag = metric.Key, SimpleValue = (float)metric.Value });
            writer.Write(new Event { WallTime = EventFileWriter.Seconds(metric.Time), Step = metric.Step, Summary = summary });
        }

        writer.Flush();
        return Task.CompletedTask;
    }

    /// <summary>TensorBoard has no artifacts; they are in the run's folder anyhow.</summary>
    public Task LogArtifactAsync(string path, string name, CancellationToken cancellation) => Task.CompletedTask;

    public Task EndAsync(RunStatus status, CancellationToken cancellation)
    {
        Writer.Flush();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _writer?.Dispose();
        return ValueTask.CompletedTask;
    }

    private EventFileWriter Writer => _writer ?? throw new InvalidOperationException("The run was not started.");

    private static string FileName(DateTimeOffset now)
    {
        var host = string.Concat(Environment.MachineName.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-' ? letter : '_'));
        return string.Create(
            CultureInfo.InvariantCulture, $"events.out.tfevents.{now.ToUnixTimeSeconds()}.{host}.{Environment.ProcessId}.{Guid.NewGuid():N}");
    }

    // The text plugin shows Markdown.
    private static string Table(string title, IReadOnlyList<KeyValuePair<string, string>> entries)
    {
        var text = new StringBuilder().Append("| ").Append(title).Append(" | value |\n|---|---|\n");
        foreach (var (key, value) in entries)
        {
            text.Append("| ").Append(Cell(key)).Append(" | ").Append(Cell(value)).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static Event Text(string tag, string markdown, DateTimeOffset now)
    {
        var tensor = new TensorProto
        {
            Dtype = DataType.DtString,
            TensorShape = new TensorShapeProto(),
        };
        tensor.TensorShape.Dim.Add(new TensorShapeProto.Types.Dim { Size = 1 });
        tensor.StringVal.Add(ByteString.CopyFromUtf8(markdown));
        var summary = new Summary();
        summary.Value.Add(new Summary.Types.Value
        {
            Tag = tag + "/text_summary",
            Metadata = new SummaryMetadata { PluginData = new SummaryMetadata.Types.PluginData { PluginName = "text" } },
            Tensor = tensor,
        });
        return new Event { WallTime = EventFileWriter.Seconds(now), Summary = summary };
    }
}
