using FerActors.Testing.Files;
using FerActors.Testing.Servers;
using FerActors.Training.Hub;

namespace FerActors.Training.Tests.Hub;

/// <summary>One file of a repository, which need not be a model.</summary>
public sealed class HubFileSpecs : IDisposable
{
    private const long Largest = 1000;

    private readonly TemporaryFolder _folder = new();

    private static HubModelId Model => HubModelId.Parse("acme/face-vit");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_lands_in_the_cache_and_nothing_else_is_asked_for(bool large)
    {
        await using var hub = (await FakeHub.StartAsync()).With("detector.onnx", [1, 2, 3], large);

        var (path, unconfirmed) = await Fetch(hub.Address);

        Assert.Equal(Path.Combine(_folder.Root, "models--acme--face-vit", "snapshots", FakeHub.Commit, "detector.onnx"), path);
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(path));
        Assert.Null(unconfirmed);
        Assert.All(hub.Requests, request => Assert.EndsWith("detector.onnx", request.Path.Split('?')[0], StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_cache_stands_in_for_a_hub_that_is_away_or_forbidden_and_says_so()
    {
        await using (var hub = (await FakeHub.StartAsync()).With("detector.onnx", [1, 2, 3]))
        {
            await Fetch(hub.Address);
        }

        Assert.Contains("cannot be reached", (await Fetch(Nowhere)).Unconfirmed, StringComparison.Ordinal);
        Assert.Contains("HF_HUB_OFFLINE", (await Fetch(Nowhere, offline: true)).Unconfirmed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_had_is_told_apart()
    {
        await using var hub = (await FakeHub.StartAsync()).With("large.onnx", new byte[Largest + 1], large: true);

        Assert.Equal(HubFailure.FileNotFound, await Refused(hub.Address, "detector.onnx"));
        Assert.Equal(HubFailure.Protocol, await Refused(hub.Address, "large.onnx"));
        Assert.Equal(HubFailure.Invalid, await Refused(hub.Address, "../detector.onnx"));
        Assert.Equal(HubFailure.Unreachable, await Refused(Nowhere, "detector.onnx"));
        Assert.Equal(HubFailure.NotInCache, await Refused(hub.Address, "detector.onnx", offline: true));
        Assert.Empty(hub.StoreGets);
    }

    // A port of this machine on which nobody listens.
    private static Uri Nowhere => new("http://127.0.0.1:9");

    private async Task<HubFailure> Refused(Uri endpoint, string file, bool offline = false) =>
        (await Assert.ThrowsAsync<HubException>(() => Fetch(endpoint, file, offline))).Failure;

    private async Task<(string Path, string? Unconfirmed)> Fetch(Uri endpoint, string file = "detector.onnx", bool offline = false)
    {
        var options = new HubOptions { Endpoint = endpoint, CacheFolder = _folder.Root, Offline = offline, Attempts = 2 };
        using var client = new HubClient(options, (_, _) => Task.CompletedTask);
        return await client.FetchFileAsync(Model, file, Largest);
    }
}
