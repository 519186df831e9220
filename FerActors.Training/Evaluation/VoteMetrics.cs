using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>How well a model says what people say: the figures of the images with usable votes (see <see cref="FaceVotes"/>).</summary>
public sealed record VoteMetrics
{
    /// <summary>Number of images with usable votes.</summary>
    public required int Count { get; init; }

    /// <summary>
    /// The class that most people named in place of the label: its accuracy is the agreement with the majority. Images on which two or more
    /// classes share the first place have no majority and are left out; <see langword="null"/> where no image has one.
    /// </summary>
    public required ClassificationMetrics? Majority { get; init; }

    /// <summary>Images on which more than half of those that named one of the seven classes named the same.</summary>
    public required int MostAgree { get; init; }

    /// <summary>How many of <see cref="MostAgree"/> the model calls so too.</summary>
    public required int MostAgreeCorrect { get; init; }

    /// <summary>Agreement with the majority where most people agree, 0 to 1; <see langword="null"/> where they nowhere do.</summary>
    public double? AgreementWhereMostAgree => MostAgree == 0 ? null : (double)MostAgreeCorrect / MostAgree;

    /// <summary>95 % Wilson interval of <see cref="AgreementWhereMostAgree"/>.</summary>
    public Interval? AgreementWhereMostAgreeInterval => MostAgree == 0 ? null : Interval.Wilson(MostAgreeCorrect, MostAgree);

    /// <summary>
    /// Mean over the images of -sum of share x log probability, in nats: the negative log-likelihood of the votes' distribution. It is never
    /// below <see cref="Entropy"/>.
    /// </summary>
    public required double CrossEntropy { get; init; }

    /// <summary>Mean entropy of the votes in nats: how far people disagree.</summary>
    public required double Entropy { get; init; }

    /// <summary>Compares predictions with votes.</summary>
    /// <param name="predictions">Logits and votes.</param>
    /// <param name="temperature">Divides the logits. Above 0.</param>
    /// <returns><see langword="null"/> where no image has usable votes.</returns>
    public static VoteMetrics? Compute(Predictions predictions, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        int count = 0, mostAgree = 0, mostAgreeCorrect = 0;
        double crossEntropy = 0, entropy = 0;
        for (var i = 0; i < predictions.Count; i++)
        {
            var votes = predictions.Votes(i);
            if (votes.IsEmpty)
            {
                continue;
            }

            count++;
            var logits = predictions.Logits(i);
            double all = FaceVotes.Sum(votes);
            for (var c = 0; c < votes.Length; c++)
            {
                if (votes[c] > 0)
                {
                    crossEntropy += votes[c] / all * Softmax.NegativeLogLikelihood(logits, c, temperature);
                    entropy -= votes[c] / all * Math.Log(votes[c] / all);
                }
            }

            if (FaceVotes.MostAgree(votes))
            {
                mostAgree++;
                mostAgreeCorrect += (int)FaceVotes.Majority(votes)! == Softmax.ArgMax(logits) ? 1 : 0;
            }
        }

        return count == 0
            ? null
            : new VoteMetrics
            {
                Count = count,
                Majority = predictions.ByMajority() is { } majority ? ClassificationMetrics.Compute(majority, temperature) : null,
                MostAgree = mostAgree,
                MostAgreeCorrect = mostAgreeCorrect,
                CrossEntropy = crossEntropy / count,
                Entropy = entropy / count,
            };
    }
}
