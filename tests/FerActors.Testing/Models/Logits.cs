using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Evaluation;

namespace FerActors.Testing.Models;

/// <summary>Made-up predictions.</summary>
public static class Logits
{
    /// <summary>Predictions that call each image this, with this much logit.</summary>
    public static Predictions Of(params (Expression Label, Expression Predicted, float Logit)[] rows) => Predictions.FromRows(
        [.. rows.Select(row =>
        {
            var logits = new float[7];
            logits[(int)row.Predicted] = row.Logit;
            return logits;
        })],
        [.. rows.Select(row => row.Label)]);

    /// <summary>Labels drawn from softmax(logits / temperature): that temperature is the truth.</summary>
    public static Predictions Drawn(int count, double temperature)
    {
        var logits = new float[count * 7];
        var labels = new Expression[count];
        var probabilities = new double[7];
        var random = new SeededRandom(21, 0, 0);
        for (var i = 0; i < count; i++)
        {
            var row = logits.AsSpan(i * 7, 7);
            for (var c = 0; c < 7; c++)
            {
                row[c] = (float)(3 * random.NextNormal());
            }

            Softmax.Compute(row, probabilities, temperature);
            var draw = random.NextDouble();
            var label = 0;
            while (label < 6 && draw >= probabilities[label])
            {
                draw -= probabilities[label++];
            }

            labels[i] = (Expression)label;
        }

        return new Predictions(logits, labels);
    }
}
