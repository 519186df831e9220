namespace FerActors.Training.Evaluation;

/// <summary>Softmax and its logarithm, safe for logits of any finite size.</summary>
public static class Softmax
{
    /// <summary>Probabilities of softmax(logits / temperature).</summary>
    /// <param name="logits">Any number of finite logits, at least one.</param>
    /// <param name="probabilities">Takes as many probabilities, which sum to 1.</param>
    /// <param name="temperature">Above 0; above 1 makes the probabilities more even.</param>
    public static void Compute(ReadOnlySpan<float> logits, Span<double> probabilities, double temperature = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        ArgumentOutOfRangeException.ThrowIfNotEqual(probabilities.Length, logits.Length, nameof(probabilities));

        // The largest exponent becomes 0: nothing overflows, and the sum is at least 1.
        var largest = (double)logits[ArgMax(logits)];
        var sum = 0.0;
        for (var i = 0; i < logits.Length; i++)
        {
            probabilities[i] = Math.Exp((logits[i] - largest) / temperature);
            sum += probabilities[i];
        }

        for (var i = 0; i < logits.Length; i++)
        {
            probabilities[i] /= sum;
        }
    }

    /// <summary>-log of one class's probability in nats, without forming the probability, which may underflow.</summary>
    public static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int label, double temperature = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        var largest = (double)logits[ArgMax(logits)];
        var sum = 0.0;
        foreach (var logit in logits)
        {
            sum += Math.Exp((logit - largest) / temperature);
        }

        return Math.Log(sum) + ((largest - logits[label]) / temperature);
    }

    /// <summary>Index of the largest value; of equal ones the first.</summary>
    public static int ArgMax(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            throw new ArgumentException("There are no values.", nameof(values));
        }

        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
            {
                best = i;
            }
        }

        return best;
    }
}
