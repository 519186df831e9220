using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Engine;

/// <summary>What each training image is to be called: a distribution over the seven classes from its label, people's votes, or both.</summary>
internal sealed class TrainingTargets
{
    private readonly float[] _shares;
    private readonly float _spread;
    private readonly float _kept;

    /// <param name="data">Training images.</param>
    /// <param name="options">Of which the labels, the votes' share and the label smoothing count.</param>
    /// <exception cref="ArgumentException">The options need votes, and the data have none.</exception>
    public TrainingTargets(FerDataset data, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        if (LabelSource.NeedsVotes(options.Labels) && !data.HasVotes)
        {
            throw new ArgumentException($"labels is '{options.Labels}', but the data have no votes.", nameof(data));
        }

        var share = options.Labels switch
        {
            LabelSource.Votes => 1f,
            LabelSource.Mixed => (float)options.VotesShare,
            _ => 0f,
        };
        _spread = (float)(options.LabelSmoothing / ExpressionNames.Count);
        _kept = (float)(1 - options.LabelSmoothing);
        _shares = new float[data.Count * ExpressionNames.Count];
        Labels = data.Labels();
        Span<float> votes = stackalloc float[ExpressionNames.Count];
        for (var i = 0; i < data.Count; i++)
        {
            var shares = _shares.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count);
            shares[(int)Labels[i]] = 1;
            var counts = data.Votes(i);
            if (share == 0 || counts.IsEmpty)
            {
                continue;
            }

            FaceVotes.Shares(counts, votes);
            for (var k = 0; k < shares.Length; k++)
            {
                shares[k] = ((1 - share) * shares[k]) + (share * votes[k]);
            }

            Labels[i] = Foremost(shares, Labels[i]);
        }

        var histogram = new int[ExpressionNames.Count];
        foreach (var label in Labels)
        {
            histogram[(int)label]++;
        }

        Histogram = histogram;
    }

    /// <summary>The class with the largest share of each image: its own label where that is one of several. Balancing goes by it.</summary>
    public Expression[] Labels { get; }

    /// <summary>Images of each class by <see cref="Labels"/>.</summary>
    public IReadOnlyList<int> Histogram { get; }

    /// <summary>The smoothed target of one image.</summary>
    /// <param name="image">Its index in the data.</param>
    /// <param name="target">Takes 7 values in FER2013's order, which sum to 1.</param>
    public void Write(int image, Span<float> target)
    {
        var shares = _shares.AsSpan(image * ExpressionNames.Count, ExpressionNames.Count);
        for (var i = 0; i < shares.Length; i++)
        {
            target[i] = _spread + (_kept * shares[i]);
        }
    }

    private static Expression Foremost(ReadOnlySpan<float> shares, Expression own)
    {
        var best = (int)own;
        for (var i = 0; i < shares.Length; i++)
        {
            best = shares[i] > shares[best] ? i : best;
        }

        return (Expression)best;
    }
}
