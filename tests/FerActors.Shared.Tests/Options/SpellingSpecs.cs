using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class SpellingSpecs
{
    private static readonly string[] Known = ["json", "jpeg", "timeout", "MaxBatchSize", "MaxQueueSize"];

    [Theory]
    [InlineData("jsn", "json")]
    [InlineData("josn", "json")]
    [InlineData("TIMEOUT", "timeout")]
    [InlineData("timeot", "timeout")]
    [InlineData("MaxBatchSiez", "MaxBatchSize")]
    [InlineData("MaxBtachSieze", "MaxBatchSize")]
    [InlineData("photograph", null)]
    [InlineData("x", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_found_and_none_where_all_are_far(string written, string? meant) =>
        Assert.Equal(meant, Spelling.Nearest(written, Known));

    [Fact]
    public void Nothing_is_near_where_nothing_is_known() => Assert.Null(Spelling.Nearest("json", []));
}
