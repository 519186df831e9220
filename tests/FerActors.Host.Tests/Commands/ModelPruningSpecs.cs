using FerActors.Host.Commands;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Operator;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer model prune</c>: what may go, and before a real registry, that what serves stays.</summary>
public sealed class ModelPruningSpecs : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-prune-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_newest_without_a_part_stay_and_so_does_whatever_has_one()
    {
        ModelSummary[] models =
        [
            Model("old-champion", 0) with { Aliases = ["champion"] },
            Model("old-previous", 1) with { Aliases = ["previous"] },
            Model("canary", 2) with { CanaryShare = 0.1 },
            Model("shadow", 3) with { ShadowShare = 0.1 },
            Model("first", 4),
            Model("second", 5),
            Model("third", 6),
        ];

        Assert.Equal(["first", "second"], ModelPruning.Spare(models, 1).Select(model => model.Version));
        Assert.Equal(["first", "second", "third"], ModelPruning.Spare(models, 0).Select(model => model.Version));
        Assert.Empty(ModelPruning.Spare(models, 3));
    }

    [Fact]
    public async Task A_registry_loses_its_spare_versions_and_their_files_and_says_what_the_rest_takes()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        foreach (var version in new[] { "v1", "v2", "v3", "v4" })
        {
            Assert.Equal(0, (await FerAsync("register", version, Surroundings.ShippedModel)).Code);
        }

        await FerAsync("promote", "v1", "--force");
        await FerAsync("promote", "v2", "--force");

        var (dry, would, _) = await FerAsync("prune", "--keep", "1", "--dry-run");
        var before = Directory.GetDirectories(Path.Combine(_folder, "versions")).Length;
        var (code, said, errors) = await FerAsync("prune", "--keep", "1");
        var (_, list, _) = await FerAsync("list");

        Assert.Equal((0, 0), (dry, code));
        Assert.Contains("v3 would be deleted", would, StringComparison.Ordinal);
        Assert.Equal(4, before);
        Assert.True(said.Contains("v3 is deleted", StringComparison.Ordinal), said + errors);
        Assert.Contains("1 of 4 versions were deleted", said, StringComparison.Ordinal);
        Assert.Contains("3 versions, ", list, StringComparison.Ordinal);
        Assert.Contains("on the registry's disk", list, StringComparison.Ordinal);
        Assert.Equal(["v1", "v2", "v4"], Directory.GetDirectories(Path.Combine(_folder, "versions")).Select(Path.GetFileName).Where(name => name![0] != '.').Order());
    }

    private static ModelSummary Model(string version, int hour) => new(version, [], null, null, null, 1000, Noon.AddHours(hour), null, null);

    private async Task<(int Code, string Output, string Errors)> FerAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(["model", .. arguments, "--endpoint", Path.Combine(_folder, "control.sock")], (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
