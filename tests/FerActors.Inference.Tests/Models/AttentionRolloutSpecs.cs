using FerActors.Inference.Models;

namespace FerActors.Inference.Tests.Models;

public sealed class AttentionRolloutSpecs
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(4, 6)]
    public void It_is_the_class_tokens_row_of_the_product_of_all_layers(int grid, int layers)
    {
        var random = new Random(grid);
        var tokens = (grid * grid) + 1;
        var attention = Enumerable.Range(0, layers).Select(_ => Rows(random, tokens)).ToList();

        var map = AttentionRollout.Compute(attention, grid);

        var row = Naive(attention, tokens);
        var sum = row.Skip(1).Sum();
        Assert.Equal((grid, grid), (map.Rows, map.Columns));
        Assert.Equal(1, map.Values.Sum(), 4);
        Assert.All(map.Values.Zip(row.Skip(1)), pair => Assert.Equal(pair.Second / sum, pair.First, 5));
    }

    [Fact]
    public void A_class_token_that_looks_at_itself_only_gives_all_patches_the_same()
    {
        float[] identity = [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];

        Assert.Equal([0.25f, 0.25f, 0.25f, 0.25f], AttentionRollout.Compute([identity], 2).Values);
    }

    private static float[] Rows(Random random, int tokens)
    {
        var values = new float[tokens * tokens];
        for (var i = 0; i < tokens; i++)
        {
            var row = Enumerable.Range(0, tokens).Select(_ => random.NextDouble() + 0.01).ToArray();
            for (var j = 0; j < tokens; j++)
            {
                values[(i * tokens) + j] = (float)(row[j] / row.Sum());
            }
        }

        return values;
    }

    private static double[] Naive(List<float[]> layers, int tokens)
    {
        var product = new double[tokens, tokens];
        for (var i = 0; i < tokens; i++)
        {
            product[i, i] = 1;
        }

        foreach (var layer in layers)
        {
            var next = new double[tokens, tokens];
            for (var i = 0; i < tokens; i++)
            {
                for (var j = 0; j < tokens; j++)
                {
                    for (var k = 0; k < tokens; k++)
                    {
                        next[i, j] += 0.5 * (layer[(i * tokens) + k] + (i == k ? 1 : 0)) * product[k, j];
                    }
                }
            }

            product = next;
        }

        return Enumerable.Range(0, tokens).Select(j => product[0, j]).ToArray();
    }
}
