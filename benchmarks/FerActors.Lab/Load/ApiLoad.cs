using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using FerActors.Lab.Bench;

namespace FerActors.Lab.Load;

/// <summary>One answered request of a load.</summary>
/// <param name="Kind">What was sent.</param>
/// <param name="Status">The status; 0 where the connection ended without one.</param>
/// <param name="Milliseconds">From the first byte sent to the last received.</param>
internal sealed record ApiLoadOutcome(ApiLoadKind Kind, int Status, double Milliseconds);

/// <summary>Virtual users that each send one request after the other, of kinds drawn from a mixture.</summary>
/// <param name="target">The API.</param>
/// <param name="mixture">The kinds with their weights; the same seed draws the same.</param>
internal sealed class ApiLoad(ApiLoadTarget target, IReadOnlyList<(ApiLoadKind Kind, int Weight)> mixture)
{
    private const double GoldenRatio = 0.6180339887498949;

    private readonly int _weights = mixture.Sum(part => part.Weight);

    /// <summary>Reads a mixture such as <c>good=70,bomb=5</c>; kinds that are not named are left out.</summary>
    /// <exception cref="FormatException">It is none; says why.</exception>
    public static IReadOnlyList<(ApiLoadKind Kind, int Weight)> ParseMixture(string? text)
    {
        if (text is null)
        {
            return [.. ApiLoadKind.All.Select(kind => (kind, kind.Weight))];
        }

        var parts = new List<(ApiLoadKind, int)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var sides = part.Split('=');
            var kind = ApiLoadKind.All.FirstOrDefault(kind => kind.Name == sides[0]);
            if (sides.Length != 2
                || kind is null
                || !int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out var weight)
                || weight is < 1 or > 1_000_000)
            {
                throw new FormatException($"'{part}' is no part of a mixture; KIND=WEIGHT is, of the kinds {string.Join(", ", ApiLoadKind.All.Select(k => k.Name))}.");
            }

            parts.Add((kind, weight));
        }

        return parts.Count > 0 ? parts : throw new FormatException("The mixture is empty.");
    }

    /// <summary>Sends until the number is reached or the time is over; requests that have begun are waited for.</summary>
    /// <param name="users">Users at once.</param>
    /// <param name="requests">Requests of all users; absent is no bound.</param>
    /// <param name="duration">Time in which requests begin; absent is no bound.</param>
    /// <param name="seed">Draws the kinds.</param>
    /// <param name="stop">Ends it at once.</param>
    public async Task<IReadOnlyList<ApiLoadOutcome>> RunAsync(int users, int? requests, TimeSpan? duration, int seed, CancellationToken stop)
    {
        var outcomes = new ConcurrentQueue<ApiLoadOutcome>();
        var began = Stopwatch.GetTimestamp();
        var turn = -1;
        await Task.WhenAll(Enumerable.Range(0, users).Select(_ => UserAsync()));
        return [.. outcomes];

        async Task UserAsync()
        {
            while (Next() is var mine && (requests is null || mine < requests) && (duration is null || Stopwatch.GetElapsedTime(began) < duration))
            {
                var kind = Draw(seed, mine);
                var sent = Stopwatch.GetTimestamp();
                var status = await kind.SendAsync(target, mine, stop);
                outcomes.Enqueue(new ApiLoadOutcome(kind, status, Stopwatch.GetElapsedTime(sent).TotalMilliseconds));
            }
        }

        int Next() => Interlocked.Increment(ref turn);
    }

    /// <summary>A Markdown table with a row for each kind; latencies in milliseconds, by nearest rank.</summary>
    public static string Table(IReadOnlyList<ApiLoadOutcome> outcomes, TimeSpan elapsed)
    {
        var text = new StringBuilder("| Request | Expected | Sent | Answered | p50 ms | p95 ms | p99 ms | max ms |\n|---|---:|---:|---|---:|---:|---:|---:|\n");
        foreach (var kind in ApiLoadKind.All)
        {
            var own = outcomes.Where(outcome => outcome.Kind.Name == kind.Name).ToList();
            if (own.Count == 0)
            {
                continue;
            }

            var statuses = own.GroupBy(outcome => outcome.Status).OrderBy(group => group.Key).Select(group => $"{Name(group.Key)}: {group.Count()}");
            var latency = LatencyPercentiles.OfMilliseconds(own.Select(outcome => outcome.Milliseconds));
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {kind.Name} | {kind.Expected} | {own.Count} | {string.Join(", ", statuses)} | {latency.P50:0} | {latency.P95:0} | {latency.P99:0} | {latency.Max:0} |\n");
        }

        var unexpected = Unexpected(outcomes);
        return text.Append(
            CultureInfo.InvariantCulture,
            $"\n{outcomes.Count} requests in {elapsed.TotalSeconds:0.0} s, {outcomes.Count / elapsed.TotalSeconds:0.0} a second; {unexpected} with another answer than the expected one.").ToString();
    }

    /// <summary>Requests whose answer was not the expected one.</summary>
    public static int Unexpected(IReadOnlyList<ApiLoadOutcome> outcomes) => outcomes.Count(outcome => outcome.Status != outcome.Kind.Expected);

    private static string Name(int status) => status == 0 ? "no answer" : status.ToString(CultureInfo.InvariantCulture);

    // Multiples of the golden ratio fill the unit interval evenly (Weyl's sequence): each kind has its share in a short load too, and the
    // order depends on the seed and on nothing else.
    private ApiLoadKind Draw(int seed, int turn)
    {
        var place = (seed * Math.Sqrt(2)) + (turn * GoldenRatio);
        var at = (int)((place - Math.Floor(place)) * _weights);
        foreach (var (kind, weight) in mixture)
        {
            at -= weight;
            if (at < 0)
            {
                return kind;
            }
        }

        return mixture[^1].Kind;
    }
}
