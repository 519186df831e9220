using FerActors.Shared.Drift;
using FerActors.Shared.Labels;

namespace FerActors.Shared.Tests.Drift;

public sealed class SignalReferenceSpecs
{
    [Fact]
    public void The_bins_of_distinct_values_hold_a_tenth_each()
    {
        var reference = SignalReference.OfValues([.. Enumerable.Range(0, 1000).Select(i => (double)i)]);

        Assert.Equal(SignalReference.Bins - 1, reference.Edges.Count);
        Assert.All(reference.Shares, share => Assert.Equal(0.1, share, 1e-9));
        Assert.Null(reference.Fault());
    }

    [Fact]
    public void Many_equal_values_share_one_bin()
    {
        var reference = SignalReference.OfValues([.. Enumerable.Repeat(5.0, 900), .. Enumerable.Range(0, 100).Select(i => 6.0 + i)]);

        Assert.Equal(0.9, reference.Shares[reference.BinOf(5)], 1e-9);
        Assert.Null(reference.Fault());
    }

    [Fact]
    public void One_value_alone_makes_a_reference_of_one_bin()
    {
        var reference = SignalReference.OfValues([3]);

        Assert.Empty(reference.Edges);
        Assert.Equal([1.0], reference.Shares);
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(1, 1)]
    [InlineData(1.5, 1)]
    [InlineData(2, 2)]
    [InlineData(99, 2)]
    [InlineData(double.NaN, 2)]
    public void A_value_at_a_bound_belongs_above_it_and_one_that_is_no_number_to_the_last_bin(double value, int bin) =>
        Assert.Equal(bin, new SignalReference([1, 2], [0.2, 0.3, 0.5]).BinOf(value));

    [Fact]
    public void Each_expression_has_a_bin_of_its_own()
    {
        var reference = SignalReference.OfLabels([Expression.Angry, Expression.Neutral, Expression.Neutral, Expression.Happy]);

        Assert.Equal([0.25, 0, 0, 0.25, 0, 0, 0.5], reference.Shares);
    }

    [Fact]
    public void A_reference_of_nothing_or_of_no_numbers_is_refused()
    {
        Assert.Throws<ArgumentException>(() => SignalReference.OfValues([]));
        Assert.Throws<ArgumentException>(() => SignalReference.OfValues([1, double.PositiveInfinity]));
        Assert.Throws<ArgumentException>(() => SignalReference.OfLabels([]));
    }

    [Fact]
    public void Edges_that_do_not_rise_and_shares_that_do_not_add_up_are_faults()
    {
        Assert.NotNull(new SignalReference([2, 1], [0.2, 0.3, 0.5]).Fault());
        Assert.NotNull(new SignalReference([1, double.NaN], [0.2, 0.3, 0.5]).Fault());
        Assert.NotNull(new SignalReference([1, 2], [0.2, 0.3, 0.6]).Fault());
        Assert.NotNull(new SignalReference([1, 2], [-0.2, 0.7, 0.5]).Fault());
        Assert.NotNull(new SignalReference([1], [0.2, 0.3, 0.5]).Fault());
        Assert.NotNull(new SignalReference([], []).Fault());
    }
}
