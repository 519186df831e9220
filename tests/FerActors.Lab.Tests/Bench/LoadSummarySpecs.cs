using FerActors.Lab.Bench;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Tests.Bench;

public sealed class LoadSummarySpecs
{
    [Fact]
    public void Percentiles_are_latencies_that_were_seen()
    {
        var percentiles = LatencyPercentiles.Of(Enumerable.Range(1, 200).Reverse().Select(ms => TimeSpan.FromMilliseconds(ms)));

        Assert.Equal(new LatencyPercentiles(200, 100, 180, 190, 198, 200), percentiles);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    public void Of_fewer_than_a_hundred_the_99th_is_the_largest(int count) =>
        Assert.Equal(count, LatencyPercentiles.Of(Enumerable.Range(1, count).Select(ms => TimeSpan.FromMilliseconds(ms))).P99);

    [Fact]
    public void Nothing_measured_is_not_a_number() => Assert.True(double.IsNaN(LatencyPercentiles.Of([]).P50));

    [Fact]
    public void A_stall_counts_for_all_that_were_due_in_it()
    {
        // Due every 10 ms and answered at once, but for one second the server, and so the sender, stands still.
        var traces = Enumerable.Range(0, 300).Select(i =>
        {
            var due = Ms(10 * i);
            var sent = due >= Ms(1000) && due < Ms(2000) ? Ms(2000) : due;
            return Trace(due, sent, sent + Ms(1));
        }).ToList();

        var summary = LoadSummary.Of(traces, TimeSpan.Zero, Ms(3000));

        Assert.Equal(1, summary.LatencyFromSend.P99);
        Assert.Equal(971, summary.Latency.P99);
        Assert.Equal(701, summary.Latency.P90);
        Assert.Equal(1, summary.Latency.P50);
    }

    [Fact]
    public void The_warm_up_counts_as_outcomes_only_and_the_tail_not_as_throughput()
    {
        var traces = Enumerable.Range(0, 40).Select(i => Trace(Ms(100 * i), Ms(100 * i), Ms((100 * i) + 50))).ToList();

        var summary = LoadSummary.Of(traces, Ms(1000), Ms(3000));

        Assert.Equal(Figure.Of(10), summary.PerSecond);
        Assert.Equal(30, summary.Latency.Count);
        Assert.Equal(40, Assert.Single(summary.Outcomes).Value);
    }

    [Fact]
    public void An_image_that_was_refused_or_lost_is_an_outcome_and_neither_a_latency_nor_throughput()
    {
        var traces = new[]
        {
            Trace(Ms(0), Ms(0), Ms(5)),
            Trace(Ms(1), Ms(1), null) with { Outcome = RequestTrace.Unanswered },
            Trace(Ms(2), Ms(2), Ms(9)) with { Outcome = ErrorCodes.Overloaded },
        };

        var summary = LoadSummary.Of(traces, TimeSpan.Zero, Ms(10));

        Assert.Equal(1, summary.Latency.Count);
        Assert.Equal(new Figure.NotMeasured("2 of 3 images had no answer (overloaded, unanswered)"), summary.PerSecond);
        Assert.Equal(summary.PerSecond, summary.Tail);
        Assert.Equal(
            new Dictionary<string, int> { ["classified"] = 1, [ErrorCodes.Overloaded] = 1, [RequestTrace.Unanswered] = 1 }, summary.Outcomes);
    }

    [Fact]
    public void Refusals_are_no_throughput_however_fast_they_come()
    {
        var refused = Enumerable.Range(0, 1000).Select(i => Trace(Ms(i), Ms(i), Ms(i + 1)) with { Outcome = ErrorCodes.Overloaded }).ToList();

        Assert.IsType<Figure.NotMeasured>(LoadSummary.Of(refused, TimeSpan.Zero, Ms(1000)).PerSecond);
    }

    [Fact]
    public void Silence_is_no_throughput() => Assert.IsType<Figure.NotMeasured>(LoadSummary.Of([], TimeSpan.Zero, Ms(1000)).PerSecond);

    [Fact]
    public void The_times_of_an_image_are_split_as_the_node_says()
    {
        var trace = Trace(Ms(0), Ms(1), Ms(30)) with { Confirmed = Ms(4), Read = Ms(31), Server = new Timings(2, 3, 1, 5, 7, 20) };

        var summary = LoadSummary.Of([trace], TimeSpan.Zero, Ms(100));

        Assert.Equal(3000, summary.ClientSend);
        Assert.Equal(5000, summary.ServerQueue);
        Assert.Equal(6000, summary.ComputeInput);
        Assert.Equal(7000, summary.ComputeInfer);
        Assert.Equal(2000, summary.ComputeOutput);
        Assert.Equal(1000, summary.ClientReceive);
        Assert.Equal(9000, summary.Network);
        Assert.Equal(2, summary.Faces);
    }

    private static TimeSpan Ms(double value) => TimeSpan.FromMilliseconds(value);

    private static RequestTrace Trace(TimeSpan intended, TimeSpan sent, TimeSpan? arrived) =>
        new(intended, sent, sent, arrived, arrived, "classified", 2, new Timings(0, 0, 0, 0, 0, 0.5));
}
