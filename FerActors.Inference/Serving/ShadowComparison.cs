using FerActors.Inference.Models;
using FerActors.Shared.Labels;

namespace FerActors.Inference.Serving;

/// <summary>Counts how often the shadow agrees with the champion, for one pair of versions.</summary>
internal sealed class ShadowComparison(string champion, string shadow)
{
    private readonly long[,] _labels = new long[ExpressionNames.Count, ExpressionNames.Count];
    private long _faces;
    private long _agreed;
    private double _distance;

    public string Champion => champion;

    public string Shadow => shadow;

    /// <summary>Faces that the shadow should have seen but did not, since it was busy.</summary>
    public long Dropped { get; set; }

    /// <summary>Passes that the shadow failed.</summary>
    public long Failures { get; set; }

    public void Add(IReadOnlyList<FacePrediction> answers, IReadOnlyList<FacePrediction> shadows)
    {
        for (var i = 0; i < answers.Count; i++)
        {
            var (a, b) = (answers[i].Probabilities, shadows[i].Probabilities);
            var (first, second) = (Array.IndexOf(a, a.Max()), Array.IndexOf(b, b.Max()));
            _faces++;
            _agreed += first == second ? 1 : 0;
            _labels[first, second]++;

            // Total variation distance.
            _distance += a.Zip(b, (x, y) => Math.Abs((double)x - y)).Sum() / 2;
        }
    }

    public ShadowReport Report() => new(
        champion,
        shadow,
        _faces,
        _agreed,
        _faces == 0 ? 0 : _distance / _faces,
        Dropped,
        Failures,
        [.. Enumerable.Range(0, ExpressionNames.Count).Select(a =>
            (IReadOnlyList<long>)[.. Enumerable.Range(0, ExpressionNames.Count).Select(b => _labels[a, b])])]);
}
