using System.Globalization;
using FerActors.Shared.Options;

namespace FerActors.Shared.Registry;

/// <summary>Compares a version's figures with the champion's.</summary>
public static class PromotionGates
{
    public const string Metrics = "metrics";
    public const string Comparable = "comparable";
    public const string Accuracy = "accuracy";
    public const string RecallPrefix = "recall:";
    public const string Latency = "latency";

    // Figures that differ by rounding alone are equal.
    private const double Tolerance = 1e-9;

    /// <summary>The gates that refuse; empty where all pass. The first champion has nothing to be compared with but must have metrics.</summary>
    public static IReadOnlyList<GateRefusal> Check(ModelManifest candidate, ModelManifest? champion, GateOptions options)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(options);
        if (candidate.Metrics is not { } metrics)
        {
            return options.RequireMetrics
                ? [new GateRefusal(Metrics, null, null, null, $"Gate metrics: {candidate.Version} has no metrics.json, so nothing is known of its quality.")]
                : [];
        }

        if (champion?.Metrics is not { } best)
        {
            return [];
        }

        var refusals = new List<GateRefusal>();
        if (metrics.Evaluation != best.Evaluation || metrics.DataSha256 != best.DataSha256)
        {
            refusals.Add(new GateRefusal(
                Comparable,
                null,
                null,
                null,
                $"Gate comparable: {candidate.Version} was evaluated on {Describe(metrics)}, the champion {champion.Version} on {Describe(best)}."));
        }

        Floor(Accuracy, "accuracy", metrics.Accuracy, best.Accuracy, options.MaxAccuracyDrop);
        foreach (var (label, recall) in best.Recalls.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            Floor(RecallPrefix + label, $"recall of {label}", metrics.Recalls.TryGetValue(label, out var own) ? own : 0, recall, options.MaxClassRecallDrop);
        }

        if (metrics.MsPerFace is { } ms && best.MsPerFace is { } bestMs && ms > (bestMs * options.MaxLatencyRatio) + Tolerance)
        {
            refusals.Add(new GateRefusal(
                Latency,
                ms,
                bestMs,
                bestMs * options.MaxLatencyRatio,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Gate latency: {candidate.Version} takes {ms:0.00} ms a face, the champion {champion.Version} {bestMs:0.00} ms; at most {options.MaxLatencyRatio:0.##} times as much is allowed.")));
        }

        return refusals;

        void Floor(string gate, string name, double own, double champions, double allowed)
        {
            if (own < champions - allowed - Tolerance)
            {
                refusals.Add(new GateRefusal(
                    gate,
                    own,
                    champions,
                    champions - allowed,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Gate {gate}: {candidate.Version} has {name} {own * 100:0.00} %, the champion {champion.Version} {champions * 100:0.00} %; a loss of at most {allowed * 100:0.##} points is allowed.")));
            }
        }
    }

    private static string Describe(ModelMetrics metrics) =>
        $"{metrics.Evaluation} (data {(metrics.DataSha256.Length > 12 ? metrics.DataSha256[..12] : metrics.DataSha256)})";
}
