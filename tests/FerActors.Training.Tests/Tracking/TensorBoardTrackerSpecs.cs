using FerActors.Testing.Files;
using FerActors.Training.Tracking;
using Tensorboard;

namespace FerActors.Training.Tests.Tracking;

public sealed class TensorBoardTrackerSpecs : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, 250, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("123456789", 0xE3069283)]
    [InlineData("", 0)]
    public void The_checksum_is_Castagnolis(string text, uint expected) =>
        Assert.Equal(expected, EventFileWriter.Crc32C(System.Text.Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void The_checksum_gives_the_values_of_RFC_3720()
    {
        Assert.Equal(0x8A9136AAu, EventFileWriter.Crc32C(new byte[32]));
        Assert.Equal(0x62A8AB43u, EventFileWriter.Crc32C([.. Enumerable.Repeat((byte)255, 32)]));
        Assert.Equal(0x46DD794Eu, EventFileWriter.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [Fact]
    public void A_file_begins_with_the_bytes_that_TensorFlows_own_files_begin_with()
    {
        var path = Path.Combine(_folder.Root, "file");
        new EventFileWriter(path, Noon).Dispose();

        // Length 24, its masked checksum, and the tag of the time.
        Assert.Equal([0x18, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22, 0x09], File.ReadAllBytes(path)[..13]);
        Assert.Equal("brain.Event:2", Assert.Single(EventFile.Read(path)).FileVersion);
    }

    [Fact]
    public async Task Scalars_come_back_with_their_steps_and_times()
    {
        await Record(new TrackedMetric("train/loss", 1.5, 10, Noon), new TrackedMetric("validation/accuracy", double.NaN, 20, Noon));

        var scalars = Scalars(EventFile.Read(EventFile.Only(_folder.Root)));

        Assert.Equal(
            [("train/loss", 1.5f, 10, Noon.ToUnixTimeMilliseconds() / 1000.0), ("validation/accuracy", float.NaN, 20L, 1777636800.25)], scalars);
    }

    [Fact]
    public async Task The_options_are_a_table_for_the_text_page()
    {
        await Record();

        var text = EventFile.Read(EventFile.Only(_folder.Root)).Select(e => e.Summary?.Value.Single()).First(v => v?.Tag == "options/text_summary")!;

        Assert.Equal("text", text.Metadata.PluginData.PluginName);
        Assert.Equal(DataType.DtString, text.Tensor.Dtype);
        Assert.Contains("| epochs | 3 |", text.Tensor.StringVal.Single().ToStringUtf8(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resumed_run_adds_a_file_that_voids_what_the_interrupted_one_wrote_beyond()
    {
        await Record(new TrackedMetric("train/loss", 1, 10, Noon));
        var first = EventFile.Only(_folder.Root);
        await Record(new TrackedMetric("train/loss", 2, 8, Noon), new TrackedMetric("train/loss", 3, 9, Noon));

        var second = EventFile.Read(Directory.GetFiles(_folder.Root).Single(path => path != first));

        var start = Assert.Single(second, e => e.SessionLog is not null);
        Assert.Equal(SessionLog.Types.SessionStatus.Start, start.SessionLog.Status);
        Assert.Equal(8, start.Step);
        Assert.Equal(2, Scalars(second).Count);
        Assert.DoesNotContain(EventFile.Read(first), e => e.SessionLog is not null);
    }

    private static List<(string, float, long, double)> Scalars(IEnumerable<Event> events) => [.. events
        .Where(e => e.Summary?.Value.Count == 1 && e.Summary.Value[0].Tensor is null)
        .Select(e => (e.Summary.Value[0].Tag, e.Summary.Value[0].SimpleValue, e.Step, e.WallTime))];

    private async Task Record(params TrackedMetric[] metrics)
    {
        await using var tracker = new TensorBoardTracker(_folder.Root);
        await tracker.StartAsync(new TrackedRun("run", _folder.Root, [new("epochs", "3")], []), default);
        await tracker.LogAsync(metrics, default);
        await tracker.EndAsync(RunStatus.Finished, default);
    }
}
