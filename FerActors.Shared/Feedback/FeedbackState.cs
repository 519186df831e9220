namespace FerActors.Shared.Feedback;

/// <summary>What a feedback is, beside those that came before it.</summary>
public enum FeedbackKind
{
    /// <summary>The first on its face.</summary>
    New,

    /// <summary>Another label for a face that already had one; it counts instead of the former.</summary>
    Changed,

    /// <summary>The same as before: a message that came twice.</summary>
    Repeated,
}

/// <summary>
/// What feedback says of the versions in production: for each the share of right answers among the last faces that were judged. Has no
/// clock and no actor, one thread at a time; its size is bounded however much arrives.
/// </summary>
/// <param name="window">Faces of each version that count.</param>
public sealed class FeedbackState(int window)
{
    /// <summary>Versions that are kept apart; of more, the one without feedback for longest is forgotten.</summary>
    public const int MaxVersions = 16;

    private readonly Dictionary<string, VersionWindow> _versions = new(StringComparer.Ordinal);
    private long _taken;

    /// <summary>Takes a feedback.</summary>
    public FeedbackKind Take(FaceFeedback feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        if (!_versions.TryGetValue(feedback.ModelVersion, out var version))
        {
            if (_versions.Count == MaxVersions)
            {
                _versions.Remove(_versions.MinBy(known => known.Value.Latest).Key);
            }

            _versions[feedback.ModelVersion] = version = new VersionWindow(window);
        }

        version.Latest = ++_taken;
        return version.Take(feedback);
    }

    /// <summary>How a version fares; <see langword="null"/> where nothing is known of it.</summary>
    public ProductionAccuracy? Of(string version) => _versions.TryGetValue(version, out var known) ? known.Read(version) : null;

    /// <summary>How all known versions fare, the one with the latest feedback first.</summary>
    public IReadOnlyList<ProductionAccuracy> Versions =>
        [.. _versions.OrderByDescending(known => known.Value.Latest).Select(known => known.Value.Read(known.Key))];

    private sealed class VersionWindow(int window)
    {
        private readonly Dictionary<(string, int), FaceFeedback> _latest = [];
        private readonly Queue<(string, int)> _order = [];
        private int _right;

        public long Latest { get; set; }

        public FeedbackKind Take(FaceFeedback feedback)
        {
            var key = (feedback.MessageId, feedback.Face);
            if (_latest.TryGetValue(key, out var before))
            {
                if (before == feedback)
                {
                    return FeedbackKind.Repeated;
                }

                _right += (feedback.Confirms ? 1 : 0) - (before.Confirms ? 1 : 0);
                _latest[key] = feedback;
                return FeedbackKind.Changed;
            }

            if (_order.Count == window && _latest.Remove(_order.Dequeue(), out var oldest) && oldest.Confirms)
            {
                _right--;
            }

            _order.Enqueue(key);
            _latest[key] = feedback;
            _right += feedback.Confirms ? 1 : 0;
            return FeedbackKind.New;
        }

        public ProductionAccuracy Read(string version) => new(version, _order.Count, _right);
    }
}

/// <param name="ModelVersion">Which.</param>
/// <param name="Judged">Faces in the window, at least 1.</param>
/// <param name="Right">Those of them whose label was the predicted one.</param>
public sealed record ProductionAccuracy(string ModelVersion, int Judged, int Right)
{
    /// <summary>Share of right answers, 0 to 1.</summary>
    public double Accuracy => (double)Right / Judged;
}
