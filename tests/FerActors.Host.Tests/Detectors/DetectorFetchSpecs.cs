using FerActors.Host.Detectors;
using FerActors.Inference.Faces;
using FerActors.Testing.Processes;
using FerActors.Testing.Servers;
using FerActors.Training.Hub;

namespace FerActors.Host.Tests.Detectors;

/// <summary>Bringing YuNet: from a local server that behaves like the Hub, from an address, from a file, and not at all.</summary>
public sealed class DetectorFetchSpecs : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))];
    private static readonly DetectorModel Wanted = new("small.onnx", Content.Length, FakeHub.Sha256(Content));
    private static readonly DetectorModel Other = new("other.onnx", 3, FakeHub.Sha256([1, 2, 3]));

    private readonly string _root = Directory.CreateTempSubdirectory("fer-detector-").FullName;

    private string Folder => Path.Combine(_root, "detectors");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task It_is_fetched_from_the_hub_once_as_a_file_of_its_own()
    {
        await using var hub = await StartAsync(Content);

        var (path, wasThere) = await Fetch(hub.Address);
        Assert.Equal((Path.Combine(Folder, "small.onnx"), false), (path, wasThere));
        Assert.Equal(Content, await File.ReadAllBytesAsync(path));
        Assert.Null(new FileInfo(path).LinkTarget);
        Assert.Equal(["small.onnx"], Directory.GetFiles(Folder).Select(Path.GetFileName));

        hub.Requests.Clear();
        Assert.True((await Fetch(hub.Address)).WasThere);
        Assert.Empty(hub.Requests);
    }

    [Fact]
    public async Task Any_known_file_that_is_there_will_do()
    {
        Write(Folder, Other.FileName, [1, 2, 3]);

        Assert.Equal((Path.Combine(Folder, Other.FileName), true), await Fetch(Nowhere));
    }

    [Fact]
    public async Task A_damaged_file_is_fetched_anew()
    {
        await using var hub = await StartAsync(Content);
        Write(Folder, Wanted.FileName, Content[1..]);

        var (path, wasThere) = await Fetch(hub.Address);

        Assert.False(wasThere);
        Assert.Equal(Content, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Other_bytes_than_the_known_ones_are_refused_though_the_hub_vouches_for_them()
    {
        var changed = Content.ToArray();
        changed[100] ^= 1;
        await using var hub = await StartAsync(changed);

        var failure = await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(hub.Address));

        Assert.Contains("SHA-256", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Folder, Wanted.FileName)));
    }

    [Fact]
    public async Task A_larger_file_is_refused_before_its_first_byte()
    {
        await using var hub = await StartAsync([.. Content, 0]);

        await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(hub.Address));

        Assert.Empty(hub.StoreGets);
    }

    [Fact]
    public async Task The_failure_says_why()
    {
        await using var hub = await FakeHub.StartAsync(new FakeHub { Repository = DetectorModel.Repository });

        Assert.Contains("has no small.onnx", (await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(hub.Address))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(Nowhere))).Message, StringComparison.Ordinal);
        Assert.Contains("HF_HUB_OFFLINE", (await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(hub.Address, offline: true))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_hubs_cache_holds_needs_no_network()
    {
        await using (var hub = await StartAsync(Content))
        {
            await Fetch(hub.Address);
        }

        Directory.Delete(Folder, recursive: true);

        Assert.False((await Fetch(Nowhere)).WasThere);
        Directory.Delete(Folder, recursive: true);
        Assert.False((await Fetch(Nowhere, offline: true)).WasThere);
    }

    [Fact]
    public async Task A_named_address_stands_in_for_the_hub_and_is_not_shown_with_its_password()
    {
        await using var mirror = await FakeHub.StartAsync();
        mirror.AtHub = async context =>
        {
            var known = context.Request.Path == "/files/yunet" && context.Request.Headers.Authorization.ToString().StartsWith("Basic ", StringComparison.Ordinal);
            context.Response.StatusCode = known ? 200 : 404;
            await context.Response.Body.WriteAsync(known ? Content : []);
            return true;
        };
        var address = $"http://somebody:secret@{mirror.Address.Authority}";

        var failure = await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(Nowhere, $"{address}/nothing?key=secret"));
        Assert.Contains("404", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);

        var (path, _) = await Fetch(Nowhere, $"{address}/files/yunet");
        Assert.Equal(Content, await File.ReadAllBytesAsync(path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_named_file_keeps_the_name_of_the_model_that_it_is(bool asAddress)
    {
        var file = Write(_root, "downloaded.bin", [1, 2, 3]);

        var (path, _) = await Fetch(Nowhere, asAddress ? new Uri(file).AbsoluteUri : file);

        Assert.Equal(Path.Combine(Folder, Other.FileName), path);
    }

    [Theory]
    [InlineData("/no/such/file", "no file")]
    [InlineData("ftp://host/file", "http")]
    public async Task A_place_that_cannot_be_read_is_named(string source, string expected)
    {
        var failure = await Assert.ThrowsAsync<FaceDetectorException>(() => Fetch(Nowhere, source));

        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.Contains("FER_DETECTOR_URL", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_warns_once_with_cause_and_remedy_and_fails()
    {
        await using var process = FerProcess.Start(
            ["detector", "fetch", "--to", Folder, "--quiet"],
            ("FER_DETECTOR_URL", ""), ("HF_ENDPOINT", Nowhere.ToString()), ("HF_HOME", _root), ("HF_HUB_OFFLINE", ""));

        Assert.Equal(1, await process.ExitAsync());
        var warning = Assert.Single(process.Errors.Split('\n'), line => line.Contains("Haar", StringComparison.Ordinal));
        Assert.Contains("cannot be reached", warning, StringComparison.Ordinal);
        Assert.Contains("fer detector fetch", warning, StringComparison.Ordinal);
        Assert.Contains("FER_DETECTOR_URL", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_fetches_nothing_where_a_node_would_find_yunet_already()
    {
        var path = Write(_root, DetectorModel.Zoo.FileName, Content);

        var (code, output, errors) = await FerProcess.RunAsync("detector", "fetch", "--set", $"Detection:ModelFolders:0={_root}", "--set", "Detection:ModelFolders:1=/nowhere");

        Assert.True(code == 0, errors);
        Assert.Equal(path, output.Trim());
    }

    [Fact]
    public void The_known_files_are_those_that_the_project_was_measured_with()
    {
        Assert.Equal("opencv/face_detection_yunet", DetectorModel.Repository);
        Assert.Equal(("face_detection_yunet_2023mar.onnx", 232_589L), (DetectorModel.Zoo.FileName, DetectorModel.Zoo.Bytes));
        foreach (var model in DetectorModel.Known)
        {
            var path = Path.Combine(Surroundings.Shared("models"), model.FileName);
            Assert.True(!File.Exists(path) || model.IsIn(Path.GetDirectoryName(path)!), path);
            Assert.Matches("^[0-9a-f]{64}$", model.Sha256);
        }
    }

    // A port of this machine on which nobody listens.
    private static Uri Nowhere => new("http://127.0.0.1:9");

    private static string Write(string folder, string name, byte[] bytes)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static async Task<FakeHub> StartAsync(byte[] content) =>
        await FakeHub.StartAsync(new FakeHub { Repository = DetectorModel.Repository }.With(Wanted.FileName, content, large: true));

    private Task<(string Path, bool WasThere)> Fetch(Uri endpoint, string? source = null, bool offline = false) => new DetectorFetch(
        new HubOptions
        {
            Endpoint = endpoint,
            CacheFolder = Path.Combine(_root, "hub"),
            Offline = offline,
            Attempts = 2,
            MinWait = TimeSpan.FromMilliseconds(1),
        },
        Wanted,
        [Wanted, Other]).RunAsync(Folder, source, null, CancellationToken.None);
}
