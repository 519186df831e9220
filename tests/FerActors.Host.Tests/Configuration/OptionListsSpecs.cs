using FerActors.Host.Configuration;
using FerActors.Shared.Options;

namespace FerActors.Host.Tests.Configuration;

/// <summary>Options that are lists, as people write them.</summary>
public sealed class OptionListsSpecs
{
    [Fact]
    public void A_list_takes_one_value_with_commas()
    {
        var options = FerConfiguration.Read(FerConfiguration.Build(
            null,
            [
                "Cluster:Roles=inference, api", "RabbitMq:ReplyToAllowed=a.,b.", "Batching:PreferredBatchSizes=1,8", "Api:CorsOrigins=https://a.org",
            ]));

        Assert.Equal(["inference", "api"], options.Cluster.Roles);
        Assert.Equal(["a.", "b."], options.RabbitMq.ReplyPrefixes);
        Assert.Equal([1, 8], options.Batching.PreferredBatchSizes);
        Assert.Equal(["https://a.org"], options.Api.CorsOrigins);
    }

    [Fact]
    public void Every_list_takes_it()
    {
        var lists = OptionCatalog.All.Where(option => option.IsList).Select(option => option.Path).ToList();

        var split = OptionLists.Split(FerConfiguration.Build(null, [.. lists.Select(list => $"{list}=1,2")]));

        Assert.NotEmpty(lists);
        Assert.All(lists, list => Assert.Equal("1 2 ", $"{split[$"{list}:0"]} {split[$"{list}:1"]} {split[list]}"));
    }

    [Fact]
    public void A_value_replaces_the_items_of_an_earlier_source_and_yields_to_those_of_a_later_one()
    {
        // The file beside the program has items of this list.
        var replaced = FerConfiguration.Read(FerConfiguration.Build(null, ["Detection:ModelFolders=elsewhere"]));
        var numbered = FerConfiguration.Read(FerConfiguration.Build(null, ["Cluster:Roles:0=api"]));

        Assert.Equal(["elsewhere"], replaced.Detection.ModelFolders);
        Assert.Equal(["api"], numbered.Cluster.Roles);
    }

    [Fact]
    public void A_wrong_item_is_named()
    {
        var mistakes = Assert.Throws<ConfigurationException>(
            () => FerConfiguration.Read(FerConfiguration.Build(null, ["Cluster:Roles=inference,boss", "Batching:PreferredBatchSizes=1,many"])));

        Assert.Contains(mistakes.Errors, error => error.Contains("'boss'", StringComparison.Ordinal));
        Assert.Contains(mistakes.Errors, error => error.Contains("'many'", StringComparison.Ordinal));
    }
}
