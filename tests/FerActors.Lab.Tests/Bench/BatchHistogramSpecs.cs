using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

public sealed class BatchHistogramSpecs
{
    private const string Page = """
        # TYPE fer_batch_size histogram
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="1",le="1"} 4 1764093331
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="1",le="2"} 4
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="1",le="4"} 7
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="1",le="+Inf"} 8
        fer_batch_size_sum{otel_scope_name="FerActors",fer_model_version="1"} 22
        fer_batch_size_count{otel_scope_name="FerActors",fer_model_version="1"} 8
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="2",le="1"} 1
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="2",le="2"} 1
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="2",le="4"} 1
        fer_batch_size_bucket{otel_scope_name="FerActors",fer_model_version="2",le="+Inf"} 1
        fer_batch_size_sum{otel_scope_name="FerActors",fer_model_version="2"} 1
        fer_batch_size_count{otel_scope_name="FerActors",fer_model_version="2"} 1
        fer_batch_duration_seconds_count{fer_model_version="1"} 8
        """;

    [Fact]
    public void Versions_are_added_up_and_the_bounds_are_no_longer_cumulative()
    {
        var histogram = BatchHistogram.Read(Page);

        Assert.Equal((9, 23), (histogram.Passes, histogram.Faces));
        Assert.Equal("1: 5, 3-4: 3, >4: 1", histogram.ToString());
        Assert.Equal(23 / 9.0, histogram.Mean);
    }

    [Fact]
    public void What_came_between_two_readings_is_their_difference()
    {
        var earlier = BatchHistogram.Read(Page.Replace("le=\"1\"} 4 ", "le=\"1\"} 3 ", StringComparison.Ordinal));

        Assert.Equal("none", BatchHistogram.Read(Page).Since(BatchHistogram.Read(Page)).ToString());
        Assert.Equal(1, BatchHistogram.Read(Page).Since(earlier).Buckets[1]);
    }

    [Fact]
    public void A_node_that_has_done_nothing_has_no_sizes() => Assert.Equal((0, "none"), (BatchHistogram.Read("").Passes, BatchHistogram.Empty.ToString()));
}
