using FerActors.Training.Engine;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class AdamWSpecs
{
    [Fact]
    public void Twenty_steps_agree_with_the_paper_s_algorithm_in_double_precision()
    {
        const double decay = 0.05;
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var optimizer = new AdamW(parameters, decay);
        using var decayed = parameters.ByTensor((name, shape) => MayShrink(name, shape) ? 1f : 0f);
        var shrinks = TinyRun.Values(decayed);
        var weights = TinyRun.Values(parameters.Values).Select(v => (double)v).ToArray();
        var first = new double[weights.Length];
        var second = new double[weights.Length];
        var random = new Random(11);

        for (var step = 1; step <= 20; step++)
        {
            var rate = 1e-3 * step;
            var gradients = Enumerable.Range(0, weights.Length).Select(_ => (float)(random.NextDouble() - 0.4)).ToArray();
            using var flat = tensor(gradients);
            optimizer.Step(flat, step, rate);
            for (var i = 0; i < weights.Length; i++)
            {
                double g = gradients[i];
                first[i] = (0.9 * first[i]) + (0.1 * g);
                second[i] = (0.999 * second[i]) + (0.001 * g * g);
                var mean = first[i] / (1 - Math.Pow(0.9, step));
                var square = second[i] / (1 - Math.Pow(0.999, step));
                weights[i] -= rate * ((mean / (Math.Sqrt(square) + 1e-8)) + (shrinks[i] * decay * weights[i]));
            }
        }

        AssertClose(weights, TinyRun.Values(parameters.Values), 2e-6);
        AssertClose(first, TinyRun.Values(optimizer.FirstMoment), 1e-6);
        AssertClose(second, TinyRun.Values(optimizer.SecondMoment), 1e-6);
    }

    [Fact]
    public void Without_gradients_only_matrices_and_kernels_shrink()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var optimizer = new AdamW(parameters, 0.5);
        using var nothing = zeros_like(parameters.Values);

        optimizer.Step(nothing, 1, 0.1);

        Assert.Contains(model.Tensors.Keys, name => MayShrink(name, model.Tensors[name].shape));
        Assert.Contains(model.Tensors.Keys, name => name.EndsWith("cls_token", StringComparison.Ordinal));
        Assert.Contains(model.Tensors.Keys, name => name.EndsWith("position_embeddings", StringComparison.Ordinal));
        foreach (var (name, before) in model.Tensors)
        {
            var factor = MayShrink(name, before.shape) ? 0.95 : 1;
            var after = TinyRun.Values(parameters.Model.Tensors[name]);
            AssertClose([.. TinyRun.Values(before).Select(v => v * factor)], after, factor == 1 ? 0 : 1e-7);
        }
    }

    [Fact]
    public void A_step_is_as_long_as_the_rate_whatever_the_size_of_the_gradients()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var optimizer = new AdamW(parameters, 0);
        var before = TinyRun.Values(parameters.Values);
        using var gradients = full_like(parameters.Values, 1e4f);

        optimizer.Step(gradients, 1, 0.01);

        AssertClose([.. before.Select(v => v - 0.01)], TinyRun.Values(parameters.Values), 1e-6);
    }

    // Said again, independently of the engine: what has two dimensions, but for the class token and the positions.
    private static bool MayShrink(string name, long[] shape) =>
        shape.Length > 1
        && !name.Contains("cls_token", StringComparison.Ordinal)
        && !name.Contains("position_embeddings", StringComparison.Ordinal);

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var worst = expected.Select((value, i) => Math.Abs(value - actual[i]) / Math.Max(1, Math.Abs(value))).Max();
        Assert.True(worst <= tolerance, $"The largest difference is {worst}.");
    }
}
