using FerActors.Shared.Labels;

namespace FerActors.Training.Evaluation;

/// <summary>Fits the one number of temperature scaling (Guo et al., 2017). Fit on PublicTest, report on PrivateTest.</summary>
public static class TemperatureScaling
{
    /// <summary>Lowest temperature that is searched.</summary>
    public const double MinTemperature = 0.05;

    /// <summary>Highest temperature that is searched.</summary>
    public const double MaxTemperature = 20;

    private const int MaxSteps = 200;
    private const double Tolerance = 1e-12;

    /// <summary>Finds the temperature with the least mean negative log-likelihood of the labels, or of people's majority.</summary>
    /// <param name="predictions">Logits, labels and votes.</param>
    /// <param name="onVotes">Takes people's majority in place of the labels; the labels where no image has one.</param>
    public static TemperatureFit Fit(Predictions predictions, bool onVotes)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return Fit(onVotes ? predictions.ByMajority() ?? predictions : predictions);
    }

    /// <summary>Finds the temperature with the least mean negative log-likelihood.</summary>
    /// <remarks>
    /// In the inverse temperature b the likelihood of softmax(b z) is convex, so its slope, the mean of E_p[z] - z_label,
    /// rises and has one zero. Newton's steps find it; a step that leaves the bracket is replaced by bisection.
    /// </remarks>
    public static TemperatureFit Fit(Predictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        const double LowestInverse = 1 / MaxTemperature;
        const double HighestInverse = 1 / MinTemperature;
        var inverse = Slope(predictions, LowestInverse).First switch
        {
            >= 0 => LowestInverse,
            _ when Slope(predictions, HighestInverse).First <= 0 => HighestInverse,
            _ => FindZero(predictions, LowestInverse, HighestInverse),
        };
        var before = MeanNll(predictions, 1);
        var after = MeanNll(predictions, 1 / inverse);
        return new TemperatureFit(
            1 / inverse, before, Math.Min(before, after), inverse is LowestInverse or HighestInverse, predictions.Count);
    }

    private static double FindZero(Predictions predictions, double low, double high)
    {
        var inverse = 1.0;
        for (var i = 0; i < MaxSteps && high - low > Tolerance * high; i++)
        {
            var (first, second) = Slope(predictions, inverse);
            if (first == 0)
            {
                break;
            }

            if (first < 0)
            {
                low = inverse;
            }
            else
            {
                high = inverse;
            }

            var next = inverse - (first / second);
            next = next > low && next < high ? next : (low + high) / 2;
            if (Math.Abs(next - inverse) <= Tolerance * inverse)
            {
                return next;
            }

            inverse = next;
        }

        return inverse;
    }

    private static (double First, double Second) Slope(Predictions predictions, double inverse)
    {
        Span<double> probabilities = stackalloc double[ExpressionNames.Count];
        double first = 0, second = 0;
        for (var i = 0; i < predictions.Count; i++)
        {
            var logits = predictions.Logits(i);
            Softmax.Compute(logits, probabilities, 1 / inverse);

            // Measured from the label's logit: shifts cancel, and large logits lose no digits.
            double origin = logits[(int)predictions.Label(i)], mean = 0, square = 0;
            for (var c = 0; c < probabilities.Length; c++)
            {
                var distance = logits[c] - origin;
                mean += probabilities[c] * distance;
                square += probabilities[c] * distance * distance;
            }

            first += mean;
            second += square - (mean * mean);
        }

        return (first / predictions.Count, second / predictions.Count);
    }

    private static double MeanNll(Predictions predictions, double temperature)
    {
        var sum = 0.0;
        for (var i = 0; i < predictions.Count; i++)
        {
            sum += Softmax.NegativeLogLikelihood(predictions.Logits(i), (int)predictions.Label(i), temperature);
        }

        return sum / predictions.Count;
    }
}
