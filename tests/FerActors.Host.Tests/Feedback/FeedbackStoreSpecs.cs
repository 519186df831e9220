using System.Text;
using FerActors.Host.Feedback;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;

namespace FerActors.Host.Tests.Feedback;

public sealed class FeedbackStoreSpecs : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "fer-feedback-" + Guid.NewGuid().ToString("N")[..8]);
    private readonly FeedbackStore _store;

    public FeedbackStoreSpecs() => _store = new FeedbackStore(_folder);

    [Fact]
    public void The_latest_records_come_back_in_their_order_across_days()
    {
        for (var day = 0; day < 3; day++)
        {
            _store.Append([On($"{day}-a", day), On($"{day}-b", day)]);
        }

        Assert.Equal(["1-b", "2-a", "2-b"], _store.ReadLatest(3).Select(record => record.Feedback.MessageId));
        Assert.Equal(On("2-b", 2), _store.ReadLatest(1).Single());
        Assert.Equal(6, _store.ReadLatest(100).Count);
        Assert.Empty(new FeedbackStore(_folder + "-none").ReadLatest(5));
    }

    [Fact]
    public void A_line_that_a_crash_tore_is_passed_over_and_swallows_nothing()
    {
        _store.Append([On("a", 0)]);
        var path = Directory.GetFiles(_folder).Single();
        File.AppendAllText(path, "{\"at\":\"2026-03-01T12:0");

        _store.Append([On("b", 0)]);

        Assert.Equal(["a", "b"], _store.ReadLatest(10).Select(record => record.Feedback.MessageId));
    }

    [Fact]
    public void A_file_full_of_strangers_lines_costs_nothing_but_time()
    {
        _store.Append([On("a", 0)]);
        File.AppendAllText(Directory.GetFiles(_folder).Single(), new string('x', 100_000) + "\n{}\nnull\n\n[1]\n");
        File.WriteAllText(Path.Combine(_folder, "feedback-not-a-day.jsonl"), "x");

        Assert.Equal(["a"], _store.ReadLatest(10).Select(record => record.Feedback.MessageId));
    }

    [Fact]
    public void Days_that_are_too_old_are_deleted_whole()
    {
        _store.Append([On("a", 0)]);
        _store.Append([On("b", 1)]);

        Assert.Equal(1, _store.DeleteBefore(DateOnly.FromDateTime(Noon.UtcDateTime).AddDays(1)));

        Assert.Equal(["b"], _store.ReadLatest(10).Select(record => record.Feedback.MessageId));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void What_was_said_of_one_message_can_be_deleted()
    {
        _store.Append([On("a", 0), On("gone", 0), On("b", 0)]);
        _store.Append([On("gone", 1)]);

        Assert.Equal(2, _store.Delete("gone"));

        Assert.Equal(["a", "b"], _store.ReadLatest(10).Select(record => record.Feedback.MessageId));
        Assert.DoesNotContain(Directory.GetFiles(_folder), path => File.ReadAllText(path, Encoding.UTF8).Contains("gone", StringComparison.Ordinal));
        Assert.Equal(0, _store.Delete("gone"));
    }

    [SkippableFact]
    public void Only_its_owner_may_read_it()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no file modes.");
        _store.Append([On("a", 0)]);

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Directory.GetFiles(_folder).Single()));
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static FeedbackRecord On(string message, int day) =>
        new(Noon.AddDays(day), new FaceFeedback(message, 0, Expression.Happy, Expression.Sad, "1", "spec"));
}
