using FerActors.Training.Engine;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class TrainingLossSpecs
{
    private static readonly double[][] Logits = [[2, -1, 0.5], [0, 1, 3]];
    private static readonly double[][] Targets = [[0.9, 0.05, 0.05], [0, 0.3, 0.7]];
    private static readonly double[][] Teachers = [[0.5, 0.2, 0.3], [0.1, 0.1, 0.8]];
    private static readonly float[] Weights = [1, 2, 0.5f];

    [Fact]
    public void Without_weights_and_teachers_it_is_the_mean_cross_entropy() =>
        Assert.Equal(CrossEntropy(Targets, Logits, [1, 1, 1], 1), Loss(null, new(), withTeachers: false), 1e-5);

    [Fact]
    public void A_class_s_term_is_multiplied_by_its_weight() =>
        Assert.Equal(CrossEntropy(Targets, Logits, Weights, 1), Loss(Weights, new(), withTeachers: false), 1e-5);

    [Theory]
    [InlineData(0, 4)]
    [InlineData(0.5, 4)]
    [InlineData(1, 2.5)]
    public void Teachers_add_the_cross_entropy_of_their_probabilities_at_the_temperature_times_its_square(double alpha, double temperature)
    {
        var expected = ((1 - alpha) * CrossEntropy(Targets, Logits, Weights, 1))
            + (alpha * temperature * temperature * CrossEntropy(Teachers, Logits, [1, 1, 1], temperature));

        Assert.Equal(expected, Loss(Weights, new DistillationOptions { Alpha = alpha, Temperature = temperature }, withTeachers: true), 1e-4);
    }

    private static double Loss(float[]? weights, DistillationOptions distillation, bool withTeachers)
    {
        using var scope = NewDisposeScope();
        using var loss = new TrainingLoss(weights, distillation, CPU);
        return loss.Of(Rows(Logits), Rows(Targets), withTeachers ? Rows(Teachers) : null).item<float>();
    }

    private static Tensor Rows(double[][] rows) => tensor(rows.SelectMany(r => r.Select(v => (float)v)).ToArray(), [rows.Length, 3]);

    private static double CrossEntropy(double[][] targets, double[][] logits, float[] weights, double temperature) =>
        targets.Zip(logits, (t, z) =>
        {
            var norm = Math.Log(z.Sum(v => Math.Exp(v / temperature)));
            return -t.Select((p, c) => weights[c] * p * ((z[c] / temperature) - norm)).Sum();
        }).Average();
}
