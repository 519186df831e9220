using FerActors.Inference.Models;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Models;

public sealed class GradientRolloutSpecs
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(5, 3)]
    [InlineData(17, 6)]
    public void It_is_the_class_tokens_row_of_what_the_layers_add_up_to(int tokens, int layers)
    {
        var random = new Random(tokens);
        var weighted = Enumerable.Range(0, layers)
            .Select(_ => Enumerable.Range(0, tokens * tokens).Select(_ => (float)Math.Max(0, random.NextDouble() - 0.5)).ToArray())
            .ToList();

        var relevance = GradientRollout.Compute(weighted, tokens);

        // As the paper writes it: R begins as the identity, and every layer adds its attention times R.
        var r = new double[tokens, tokens];
        for (var i = 0; i < tokens; i++)
        {
            r[i, i] = 1;
        }

        foreach (var layer in weighted)
        {
            var next = (double[,])r.Clone();
            for (var i = 0; i < tokens; i++)
            {
                for (var j = 0; j < tokens; j++)
                {
                    for (var k = 0; k < tokens; k++)
                    {
                        next[i, j] += layer[(i * tokens) + k] * r[k, j];
                    }
                }
            }

            r = next;
        }

        Assert.Equal(tokens - 1, relevance.Length);
        Assert.All(relevance.Select((value, i) => (value, i)), pair => Assert.Equal(r[0, pair.i + 1], pair.value, 9));
    }

    [Fact]
    public void A_grid_has_rows_whose_largest_value_is_one()
    {
        var grid = ExplanationGrid.Of(ExplanationMethod.Gradient, Expression.Sad, [0, 1, 2, 4], side: 2);

        Assert.Equal(("gradient", Expression.Sad), (grid.Method, grid.Label));
        Assert.Equal([0f, 0.25f], grid.Grid[0]);
        Assert.Equal([0.5f, 1f], grid.Grid[1]);
        Assert.All(ExplanationGrid.Of(ExplanationMethod.Rollout, null, [0, 0, 0, 0], side: 2).Grid, row => Assert.Equal([0f, 0f], row));
    }
}
