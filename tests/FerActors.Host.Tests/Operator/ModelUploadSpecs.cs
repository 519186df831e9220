using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using FerActors.Host.Commands;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Operator;

/// <summary><c>fer model push</c>: a folder of an operator's machine becomes a version, and nothing else does.</summary>
public sealed class ModelUploadSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-push-").FullName;
    private readonly List<(ModelRequests.Register Request, string[] Files)> _registered = [];

    private string Root => Path.Combine(_folder, "versions");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_folder_is_registered_by_a_real_node_with_its_digests_and_leaves_nothing_beside_the_version()
    {
        await using var node = await OperatorNode.StartAsync(_folder, o => o with { Port = 0, Token = "0123456789abcdef-token" });

        var (code, output, errors) = await FerAsync("push", "mine", Surroundings.ShippedModel, "--parent", "the first");
        var (verified, _, _) = await FerAsync("verify", "mine");
        var (_, described, _) = await FerAsync("describe", "mine");
        var (again, _, _) = await FerAsync("push", "mine", Surroundings.ShippedModel);
        var (empty, _, nothing) = await FerAsync("push", "other", _folder);

        Assert.True(code == 0, output + errors);
        Assert.Equal((0, 0), (verified, again));
        Assert.Contains("the first", described, StringComparison.Ordinal);
        Assert.NotEqual(0, empty);
        Assert.Contains("holds no file of a model", nothing, StringComparison.Ordinal);
        Assert.Equal(["mine"], Directory.GetDirectories(Root).Select(Path.GetFileName));
        using var stranger = new HttpClient { BaseAddress = node.Server.TcpAddress };
        using var refused = await stranger.PostAsync(new Uri("/v1/models/theirs", UriKind.Relative), new ByteArrayContent([1]));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task What_arrives_is_registered_from_a_folder_that_holds_it_and_goes_afterwards()
    {
        var reply = await PushAsync(await TarAsync(("config.json", "{}"), ("model.safetensors", "weights")));

        Assert.Equal(OperatorOutcome.Done, reply.Outcome);
        var (request, files) = Assert.Single(_registered);
        Assert.Equal(("v1", "p"), (request.Version, request.Parent));
        Assert.Equal(64, request.WeightsSha256!.Length);
        Assert.Equal(["config.json", "model.safetensors"], files);
        Assert.Empty(Directory.GetFileSystemEntries(Root));
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/cron.d/model.json")]
    [InlineData("a/config.json")]
    [InlineData("pickle.bin")]
    [InlineData("manifest.json")]
    public async Task A_name_that_no_version_has_is_refused_and_nothing_is_written(string name)
    {
        var reply = await PushAsync(await TarAsync(("config.json", "{}"), (name, "x")));

        Assert.Equal(OperatorOutcome.Invalid, reply.Outcome);
        Assert.Contains("A version cannot have an entry", reply.Message, StringComparison.Ordinal);
        Refused();
    }

    [Fact]
    public async Task A_changed_byte_a_missing_end_a_repeated_file_and_too_many_bytes_are_refused()
    {
        var whole = await TarAsync(("config.json", "{}"), ("model.safetensors", "weights"));
        var changed = whole.ToArray();
        changed[changed.AsSpan().IndexOf("weights"u8)]++;

        Assert.Contains("a digest differs", (await PushAsync(changed)).Message, StringComparison.Ordinal);
        Assert.Equal(OperatorOutcome.Invalid, (await PushAsync(whole[..(whole.Length / 2)])).Outcome);
        Assert.Contains("cannot have", (await PushAsync(await TarAsync(("config.json", "{}"), ("config.json", "{}")))).Message, StringComparison.Ordinal);
        Assert.Contains("at most", (await PushAsync(await TarAsync(("model.safetensors", new string('x', 2 << 20))))).Message, StringComparison.Ordinal);
        Assert.Contains("no name of a version", (await PushAsync(whole, "../v1")).Message, StringComparison.Ordinal);
        Assert.Equal(OperatorOutcome.Invalid, (await PushAsync("no tar at all, but long enough to be looked at"u8.ToArray())).Outcome);
        Refused();
    }

    private void Refused()
    {
        Assert.Empty(_registered);
        Assert.Empty(Directory.Exists(Root) ? Directory.GetFileSystemEntries(Root) : []);
    }

    private async Task<OperatorReply> PushAsync(byte[] tar, string version = "v1")
    {
        var upload = new ModelUpload(new RegistryOptions { Root = Root, MaxVersionBytes = 1 << 20 }, request =>
        {
            var register = (ModelRequests.Register)request;
            _registered.Add((register, [.. Directory.GetFiles(register.Folder).Select(file => Path.GetFileName(file)).Order()]));
            return Task.FromResult(OperatorReply.Done("registered"));
        });
        return await upload.ReceiveAsync(version, "p", new MemoryStream(tar), CancellationToken.None);
    }

    private static async Task<byte[]> TarAsync(params (string Name, string Text)[] files)
    {
        using var bytes = new MemoryStream();
        await using (var tar = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            var digests = new Dictionary<string, string>();
            foreach (var (name, text) in files)
            {
                var content = Encoding.UTF8.GetBytes(text);
                digests[name] = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }

            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, ModelUpload.DigestsName) { DataStream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(digests)) });
        }

        return bytes.ToArray();
    }

    private async Task<(int Code, string Output, string Errors)> FerAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(["model", .. arguments, "--endpoint", Path.Combine(_folder, "control.sock")], (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
