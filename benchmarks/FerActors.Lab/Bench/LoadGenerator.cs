namespace FerActors.Lab.Bench;

/// <summary>Closed and open loops over one queue.</summary>
/// <param name="client">Sends.</param>
/// <param name="queue">Where to.</param>
internal sealed class LoadGenerator(LoadClient client, string queue)
{
    /// <summary>Keeps so many images unanswered: throughput at saturation. Its latencies are mostly the queue that it makes itself.</summary>
    /// <param name="load">The images.</param>
    /// <param name="concurrency">Images under way at once.</param>
    /// <param name="warmUp">Time before the window that counts.</param>
    /// <param name="window">The window.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<LoadSummary> ClosedAsync(
        Workload load, int concurrency, TimeSpan warmUp, TimeSpan window, CancellationToken cancellation)
    {
        var from = client.Now + warmUp;
        var to = from + window;
        var senders = Enumerable.Range(0, concurrency).Select(_ => SendAsync()).ToList();
        return LoadSummary.Of([.. (await Task.WhenAll(senders)).SelectMany(t => t)], from, to);

        async Task<List<RequestTrace>> SendAsync()
        {
            var traces = new List<RequestTrace>();
            while (client.Now < to)
            {
                traces.Add(await client.AskAsync(queue, load, client.Now, cancellation));
            }

            return traces;
        }
    }

    /// <summary>Sends each image when it is due, whatever became of those before.</summary>
    /// <param name="load">The images.</param>
    /// <param name="arrivals">When they are due, ascending, counted from now.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<LoadSummary> OpenAsync(Workload load, IReadOnlyList<TimeSpan> arrivals, CancellationToken cancellation)
    {
        var start = client.Now;
        var asked = new List<Task<RequestTrace>>(arrivals.Count);
        foreach (var arrival in arrivals)
        {
            var due = start + arrival;
            while (due - client.Now is { TotalMilliseconds: > 0 } wait)
            {
                // The system's timer is as fine as a millisecond; what it is late counts into the latency.
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, Math.Floor(wait.TotalMilliseconds))), cancellation);
            }

            asked.Add(client.AskAsync(queue, load, due, cancellation));
        }

        return LoadSummary.Of(await Task.WhenAll(asked), start, client.Now);
    }

    /// <summary>Sends a number of images as fast as the broker takes them.</summary>
    /// <returns>Seconds until the last answer, and the answers.</returns>
    public async Task<(double Seconds, LoadSummary Summary)> BurstAsync(Workload load, int count, CancellationToken cancellation)
    {
        var start = client.Now;
        using var sending = new SemaphoreSlim(256);
        var asked = new List<Task<RequestTrace>>(count);
        for (var i = 0; i < count; i++)
        {
            await sending.WaitAsync(cancellation);
            asked.Add(AskAsync());
        }

        var traces = await Task.WhenAll(asked);
        var end = traces.Max(t => t.Arrived) ?? client.Now;
        return ((end - start).TotalSeconds, LoadSummary.Of(traces, start, end));

        // Bounded by unconfirmed images, not by unanswered ones.
        Task<RequestTrace> AskAsync() => client.AskAsync(queue, load, client.Now, cancellation, () => sending.Release());
    }
}
