using FerActors.Inference.Faces;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Faces;

public class SimilarityTransformSpecs
{
    private static readonly ImagePoint[] Square = [new(0, 0), new(10, 0), new(10, 10), new(0, 10), new(4, 7)];

    [Theory]
    [InlineData(1, 0, 0, 0)]
    [InlineData(2.5, 30, 100, -40)]
    [InlineData(0.1, -170, 3, 3)]
    [InlineData(1, 180, 0, 0)]
    public void A_similarity_is_recovered_exactly(double scale, double degrees, double tx, double ty)
    {
        var angle = double.DegreesToRadians(degrees);
        var truth = new SimilarityTransform(scale * Math.Cos(angle), scale * Math.Sin(angle), tx, ty);

        Assert.True(SimilarityTransform.Estimate(Square, [.. Square.Select(truth.Apply)], out var found));
        Assert.Equal(scale, found.Scale, 9);
        Assert.Equal(degrees, found.RotationDegrees, 7);
        Assert.Equal((tx, ty), (Math.Round(found.Tx, 7), Math.Round(found.Ty, 7)));
    }

    [Fact]
    public void No_other_similarity_has_a_smaller_error()
    {
        ImagePoint[] target = [new(1, 2), new(22, 1), new(19, 24), new(-3, 18), new(9, 14)];
        Assert.True(SimilarityTransform.Estimate(Square, target, out var best));
        var random = new Random(5);
        for (var i = 0; i < 500; i++)
        {
            double Noise() => (random.NextDouble() - 0.5) * 0.2;
            var other = new SimilarityTransform(best.A + Noise(), best.B + Noise(), best.Tx + Noise(), best.Ty + Noise());

            Assert.True(Error(other, target) >= Error(best, target));
        }
    }

    [Fact]
    public void A_mirrored_target_is_not_answered_by_a_reflection()
    {
        ImagePoint[] mirrored = [.. Square.Select(p => new ImagePoint(-p.X, p.Y))];

        // The matrix of a similarity has the determinant A² + B²; a reflection would have a negative one.
        if (SimilarityTransform.Estimate(Square, mirrored, out var found))
        {
            var (o, x, y) = (found.Apply(new(0, 0)), found.Apply(new(1, 0)), found.Apply(new(0, 1)));
            Assert.True(((x.X - o.X) * (y.Y - o.Y)) - ((x.Y - o.Y) * (y.X - o.X)) > 0);
            Assert.True(Error(found, mirrored) > 1);
        }
    }

    [Fact]
    public void The_inverse_leads_back()
    {
        var transform = new SimilarityTransform(0.3, -1.2, 40, 7);
        var back = transform.Inverse().Apply(transform.Apply(new ImagePoint(13, 17)));

        Assert.Equal((13.0, 17.0), (Math.Round(back.X, 9), Math.Round(back.Y, 9)));
    }

    [Fact]
    public void Degenerate_points_determine_nothing()
    {
        ImagePoint[] same = [.. Enumerable.Repeat(new ImagePoint(123.4, 567.8), 5)];
        ImagePoint[] notFinite = [new(double.NaN, 0), .. Square[1..]];
        ImagePoint[] infinite = [.. Square[..4], new(0, double.PositiveInfinity)];

        Assert.False(SimilarityTransform.Estimate(same, Square, out var none));
        Assert.Equal(default, none);
        Assert.False(SimilarityTransform.Estimate(Square, same, out _));
        Assert.False(SimilarityTransform.Estimate(notFinite, Square, out _));
        Assert.False(SimilarityTransform.Estimate(Square, notFinite, out _));
        Assert.False(SimilarityTransform.Estimate(infinite, Square, out _));
        Assert.False(SimilarityTransform.Estimate(Square, infinite, out _));
        Assert.False(SimilarityTransform.Estimate([new(1, 1)], [new(1, 1)], out _));
        Assert.False(SimilarityTransform.Estimate([], [], out _));
    }

    [Fact]
    public void Lists_of_different_length_are_a_mistake_of_the_caller() =>
        Assert.Throws<ArgumentException>(() => SimilarityTransform.Estimate(Square, Square.AsSpan(1), out _));

    private static double Error(SimilarityTransform transform, ImagePoint[] target) =>
        Square.Zip(target).Sum(pair =>
        {
            var moved = transform.Apply(pair.First);
            return Math.Pow(moved.X - pair.Second.X, 2) + Math.Pow(moved.Y - pair.Second.Y, 2);
        });
}
