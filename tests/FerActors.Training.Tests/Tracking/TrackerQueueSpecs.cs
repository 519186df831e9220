using System.Collections.Concurrent;
using FerActors.Training.Tracking;

namespace FerActors.Training.Tests.Tracking;

public sealed class TrackerQueueSpecs
{
    private static readonly TrackedRun Run = new("run", "/nowhere", [], []);

    private readonly FakeTracker _tracker = new();
    private readonly ConcurrentQueue<string> _said = [];
    private readonly ConcurrentQueue<TimeSpan> _waits = [];

    [Fact]
    public async Task Everything_arrives_in_its_order_and_metrics_in_batches()
    {
        var release = new TaskCompletionSource();
        _tracker.Before = _ => release.Task;
        await using (var queue = Queue())
        {
            queue.Start(Run);
            queue.Log(Metric("a", 1));
            queue.Log(Metric("b", 2));
            queue.Artifact("/x", "x");
            queue.Log(Metric("c", 3));
            queue.End(RunStatus.Finished);
            release.SetResult();
        }

        Assert.Equal(["start run", "a=1 b=2", "artifact x", "c=3", "end Finished"], _tracker.Heard);
        Assert.Empty(_said);
    }

    [Fact]
    public async Task A_tracker_that_recovers_loses_nothing_and_warns_once()
    {
        var failures = 0;
        _tracker.Before = _ => ++failures is 1 or 2 or 5 ? throw new HttpRequestException("Away.") : Task.CompletedTask;
        await using (var queue = Queue())
        {
            queue.Start(Run);
            queue.Log(Metric("a", 1));
            queue.End(RunStatus.Killed);
        }

        Assert.Equal(["start run", "a=1", "end Killed"], _tracker.Heard);
        Assert.Equal("Fake: Away. The run goes on all the same.", Assert.Single(_said));
        Assert.Equal(3, _waits.Count);
    }

    [Fact]
    public async Task A_tracker_that_stays_away_is_given_up_and_what_it_lost_is_counted()
    {
        _tracker.Before = _ => throw new HttpRequestException("Away.");
        await using (var queue = Queue())
        {
            queue.Start(Run);
            queue.Log(Metric("a", 1));
            queue.End(RunStatus.Finished);
        }

        Assert.Equal(TrackerHealth.MaxFailures, _tracker.Attempts);
        Assert.Equal(["Fake: Away. The run goes on all the same.", "Fake: 3 records of this run were lost."], _said);
        Assert.All(_waits, wait => Assert.InRange(wait, TimeSpan.FromSeconds(0.5), TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task A_refusal_is_not_repeated_and_only_the_start_ends_everything()
    {
        _tracker.Before = _ => _tracker.Attempts == 2 ? throw new TrackerRefusedException("No.") : Task.CompletedTask;
        await using (var queue = Queue())
        {
            queue.Start(Run);
            queue.Artifact("/x", "x");
            queue.End(RunStatus.Finished);
        }

        Assert.Equal(["start run", "end Finished"], _tracker.Heard);

        var other = new FakeTracker { Before = _ => throw new TrackerRefusedException("Wrong password.") };
        await using (var queue = Queue(other))
        {
            queue.Start(Run);
            queue.Log(Metric("a", 1));
            queue.End(RunStatus.Finished);
        }

        Assert.Equal(1, other.Attempts);
        Assert.Empty(_waits);
    }

    [Fact]
    public async Task A_tracker_that_hangs_holds_the_end_of_the_run_no_longer_than_the_patience()
    {
        _tracker.Before = cancellation => Task.Delay(Timeout.Infinite, cancellation);
        await using (var queue = Queue(patience: TimeSpan.FromMilliseconds(50)))
        {
            queue.Start(Run);
            queue.Log(Metric("a", 1));
        }

        Assert.Empty(_tracker.Heard);
        Assert.Contains(_said, sentence => sentence.EndsWith("2 records of this run were lost.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_waits_is_bounded()
    {
        var release = new TaskCompletionSource();
        _tracker.Before = _ => release.Task;
        await using (var queue = Queue())
        {
            queue.Start(Run);
            for (var i = 0; i < TrackerQueue.Capacity + 7; i++)
            {
                queue.Log(Metric("a", i));
            }

            release.SetResult();
        }

        Assert.Equal("Fake: 7 records of this run were lost.", Assert.Single(_said));
        Assert.Equal(1 + (TrackerQueue.Capacity / TrackerQueue.MaxBatch), _tracker.Heard.Count);
    }

    private static TrackedMetric Metric(string key, double value) => new(key, value, 1, DateTimeOffset.UnixEpoch);

    private TrackerQueue Queue(FakeTracker? tracker = null, TimeSpan? patience = null) => new(
        tracker ?? _tracker,
        _said.Enqueue,
        patience ?? TimeSpan.FromSeconds(60),
        (wait, _) =>
        {
            _waits.Enqueue(wait);
            return Task.CompletedTask;
        });
}
