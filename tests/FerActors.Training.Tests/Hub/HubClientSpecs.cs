using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using FerActors.Testing.Files;
using FerActors.Testing.Servers;
using FerActors.Training.Hub;
using Microsoft.AspNetCore.Http;

namespace FerActors.Training.Tests.Hub;

public sealed class HubClientSpecs : IDisposable
{
    private const string Secret = "hf_verySecretToken";

    private readonly TemporaryFolder _folder = new();
    private readonly List<TimeSpan> _waits = [];
    private readonly ConcurrentQueue<HubProgress> _progress = [];

    private static HubModelId Model => HubModelId.Parse("acme/face-vit");

    private string Repository => Path.Combine(_folder.Root, "models--acme--face-vit");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_lands_in_the_layout_of_Pythons_cache()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(300_000, out var weights);

        var snapshot = await Fetch(hub);

        Assert.Equal(FakeHub.Commit, snapshot.Commit);
        Assert.Equal(["config.json", "preprocessor_config.json", "model.safetensors"], snapshot.Files);
        Assert.Equal(Path.Combine(Repository, "snapshots", FakeHub.Commit), snapshot.Folder);
        var pointer = Path.Combine(snapshot.Folder, "model.safetensors");
        Assert.Equal($"../../blobs/{FakeHub.Sha256(weights)}", new FileInfo(pointer).LinkTarget);
        Assert.Equal(weights, await File.ReadAllBytesAsync(pointer));
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(Repository, "blobs", FakeHub.GitHash("{}"u8.ToArray()))));
        Assert.Equal(FakeHub.Commit, await File.ReadAllTextAsync(Path.Combine(Repository, "refs", "main")));
        Assert.True(File.Exists(Path.Combine(_folder.Root, ".locks", "models--acme--face-vit", FakeHub.Sha256(weights) + ".lock")));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Repository, "blobs"), "*.incomplete"));
        Assert.Null(snapshot.Unconfirmed);
    }

    [Fact]
    public async Task A_copy_consists_of_files_and_replaces_none()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out var weights);
        var snapshot = await Fetch(hub);
        var folder = Path.Combine(_folder.Root, "copy");

        await snapshot.CopyToAsync(folder);

        Assert.All(new DirectoryInfo(folder).GetFiles(), file => Assert.Null(file.LinkTarget));
        Assert.Equal(snapshot.Files.Order(), Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(weights, await File.ReadAllBytesAsync(Path.Combine(folder, "model.safetensors")));
        await Assert.ThrowsAsync<IOException>(() => snapshot.CopyToAsync(folder));
    }

    [Fact]
    public async Task What_is_in_the_cache_is_not_downloaded_again()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out _);
        await Fetch(hub);
        hub.Requests.Clear();

        await Fetch(hub);
        Assert.DoesNotContain(hub.Requests, r => r.Method == "GET");

        hub.Requests.Clear();
        await Fetch(hub, model: HubModelId.Parse($"acme/face-vit@{FakeHub.Commit}"));
        Assert.Empty(hub.Requests);
    }

    [Fact]
    public async Task A_revision_with_slashes_keeps_its_place_in_refs()
    {
        await using var hub = (await FakeHub.StartAsync(new FakeHub { Branch = "refs/pr/4" })).WithModel(10, out _);

        await Fetch(hub, model: HubModelId.Parse("acme/face-vit@refs/pr/4"));

        Assert.Equal(FakeHub.Commit, await File.ReadAllTextAsync(Path.Combine(Repository, "refs", "refs", "pr", "4")));
    }

    [Fact]
    public async Task The_token_opens_a_gated_model_and_never_goes_to_another_host()
    {
        await using var hub = (await FakeHub.StartAsync(new FakeHub { RequiredToken = Secret })).WithModel(1000, out _);

        await Fetch(hub, token: Secret);

        Assert.All(hub.Requests.Where(r => !r.AtStore), r => Assert.Equal($"Bearer {Secret}", r.Authorization));
        Assert.Equal("", Assert.Single(hub.StoreGets).Authorization);
    }

    [Fact]
    public async Task A_way_that_leads_back_to_the_Hub_does_not_bring_the_token_along()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out var weights);
        hub.AtStore = context => Redirect(context, 302, new Uri(hub.Address, "back").AbsoluteUri);
        hub.AtHub = async context =>
        {
            if (context.Request.Path != "/back")
            {
                return false;
            }

            await context.Response.Body.WriteAsync(weights);
            return true;
        };

        await Fetch(hub, token: Secret);

        Assert.Equal("", hub.Requests.Single(r => r.Path == "/back").Authorization);
    }

    [Fact]
    public async Task A_renamed_repository_is_followed_with_the_token()
    {
        await using var hub = (await FakeHub.StartAsync(new FakeHub { RequiredToken = Secret })).WithModel(1000, out _);
        hub.AtHub = context => context.Request.Path.StartsWithSegments("/old/name", out var rest)
            ? Redirect(context, 307, $"/acme/face-vit{rest}")
            : Task.FromResult(false);

        var snapshot = await Fetch(hub, model: HubModelId.Parse("old/name"), token: Secret);

        Assert.Contains("models--old--name", snapshot.Folder, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(snapshot.Folder, "model.safetensors")));
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_resumed_with_the_stores_own_etag()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(500_000, out var weights);
        var attempts = 0;
        hub.AtStore = async context =>
        {
            if (Interlocked.Increment(ref attempts) > 2)
            {
                return false;
            }

            await FakeHub.TruncateAsync(context, weights, 100_000);
            return true;
        };

        var snapshot = await Fetch(hub);

        Assert.Equal(weights, await File.ReadAllBytesAsync(Path.Combine(snapshot.Folder, "model.safetensors")));
        var gets = hub.StoreGets.ToList();
        Assert.Equal(3, gets.Count);
        Assert.Equal("", gets[0].Range);
        Assert.All(gets.Skip(1), get => Assert.Matches(@"^bytes=[1-9]\d*-$", get.Range));
        Assert.All(gets.Skip(1), get => Assert.Equal("\"store-500000\"", get.IfRange));
        Assert.Contains(_progress, p => p.Note?.Contains("trying again", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Another_process_goes_on_where_this_one_was_stopped()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(500_000, out var weights);
        using var stop = new CancellationTokenSource();
        hub.AtStore = async context =>
        {
            context.Response.ContentLength = weights.Length;
            await context.Response.Body.WriteAsync(weights.AsMemory(0, 200_000));
            await context.Response.Body.FlushAsync();
            var unfinished = Path.Combine(Repository, "blobs", FakeHub.Sha256(weights) + ".incomplete");
            await Until(() => File.Exists(unfinished) && new FileInfo(unfinished).Length == 200_000);
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Fetch(hub, cancellation: stop.Token));
        hub.AtStore = null;
        hub.Requests.Clear();

        var snapshot = await Fetch(hub);

        Assert.Equal("bytes=200000-", Assert.Single(hub.StoreGets).Range);
        Assert.Equal(weights, await File.ReadAllBytesAsync(Path.Combine(snapshot.Folder, "model.safetensors")));
    }

    [Fact]
    public async Task Wrong_bytes_of_an_earlier_attempt_cost_one_more_download()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out var weights);
        _folder.Write($"models--acme--face-vit/blobs/{FakeHub.Sha256(weights)}.incomplete", new byte[400]);

        var snapshot = await Fetch(hub);

        Assert.Equal(["bytes=400-", ""], hub.StoreGets.Select(r => r.Range));
        Assert.Equal(weights, await File.ReadAllBytesAsync(Path.Combine(snapshot.Folder, "model.safetensors")));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public async Task A_file_with_another_hash_is_thrown_away(string name)
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out _);
        Func<HttpContext, Task<bool>> wrong = async context =>
        {
            if (context.Request.Method != "GET" || !context.Request.Path.Value!.EndsWith(name, StringComparison.Ordinal))
            {
                return false;
            }

            await context.Response.Body.WriteAsync(name == "config.json" ? "[]"u8.ToArray() : new byte[1000]);
            return true;
        };
        (hub.AtHub, hub.AtStore) = (wrong, wrong);

        var error = await Refused(hub, HubFailure.Corrupt);

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Repository, "snapshots", FakeHub.Commit, name)));
        Assert.DoesNotContain(Directory.EnumerateFiles(Path.Combine(Repository, "blobs")), p => p.EndsWith(".incomplete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_bytes_than_announced_are_refused()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out _);
        hub.AtStore = async context =>
        {
            await context.Response.Body.WriteAsync(new byte[5000]);
            return true;
        };

        await Refused(hub, HubFailure.Corrupt);
    }

    [Fact]
    public async Task A_busy_Hub_is_asked_again_when_it_says_so()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _);
        var attempts = 0;
        hub.AtHub = context =>
        {
            var status = Interlocked.Increment(ref attempts) switch { 1 => 429, 2 => 503, _ => 0 };
            context.Response.Headers.RetryAfter = status == 429 ? "7" : default;
            context.Response.StatusCode = status == 0 ? 200 : status;
            return Task.FromResult(status != 0);
        };

        await Fetch(hub);

        Assert.Equal(2, _waits.Count);
        Assert.Equal(TimeSpan.FromSeconds(7), _waits[0]);
        Assert.InRange(_waits[1], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_Hub_that_keeps_failing_is_given_up_after_five_attempts()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.AtHub = context =>
        {
            context.Response.StatusCode = 500;
            context.Response.Headers.RetryAfter = "86400";
            return Task.FromResult(true);
        };

        await Refused(hub, HubFailure.Unreachable);

        Assert.Equal(5, hub.Requests.Count);
        Assert.All(_waits, wait => Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task A_Hub_that_does_not_answer_is_not_waited_for()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.AtHub = async context =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };

        var error = await Refused(hub, HubFailure.Unreachable, answerTimeout: TimeSpan.FromMilliseconds(100));

        Assert.Contains("did not answer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_Hub_the_cached_model_serves_and_says_that_it_is_unconfirmed()
    {
        var hub = (await FakeHub.StartAsync()).WithModel(10, out _);
        await Fetch(hub);
        var address = hub.Address;
        await hub.DisposeAsync();

        using var client = Client(address);
        var snapshot = await client.FetchAsync(Model);

        Assert.NotNull(snapshot.Unconfirmed);
        Assert.True(File.Exists(Path.Combine(snapshot.Folder, "model.safetensors")));
    }

    [Fact]
    public async Task Offline_only_the_cache_is_asked()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _);
        await Refused(hub, HubFailure.NotInCache, offline: true);
        await Fetch(hub);
        hub.Requests.Clear();

        var snapshot = await Fetch(hub, offline: true);

        Assert.Empty(hub.Requests);
        Assert.Equal(FakeHub.Commit, snapshot.Commit);
        File.Delete(Path.Combine(snapshot.Folder, "model.safetensors"));
        await Refused(hub, HubFailure.NotInCache, offline: true);
    }

    [Fact]
    public async Task A_sharded_model_comes_with_all_its_files()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _).Without("model.safetensors")
            .With("model.safetensors.index.json", """{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}""")
            .With("model-00001-of-00002.safetensors", [1, 2], large: true)
            .With("model-00002-of-00002.safetensors", [3, 4], large: true);

        var snapshot = await Fetch(hub);

        Assert.All(
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
            name => Assert.True(File.Exists(Path.Combine(snapshot.Folder, name)), name));
        Assert.Equal(5, (await Fetch(hub, offline: true)).Files.Count);
        Assert.True(File.Exists(Path.Combine(Repository, ".no_exist", FakeHub.Commit, "model.safetensors")));
    }

    [Theory]
    [InlineData("../../evil.safetensors")]
    [InlineData("/etc/evil.safetensors")]
    [InlineData("a\\\\b.safetensors")]
    [InlineData("pytorch_model-00001.bin")]
    public async Task An_index_cannot_name_files_outside_or_of_another_kind(string name)
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _).Without("model.safetensors")
            .With("model.safetensors.index.json", $$$"""{"weight_map":{"a":"{{{name}}}"}}""");

        var error = await Assert.ThrowsAsync<Vision.Checkpoints.CheckpointException>(() => Fetch(hub));

        Assert.Contains("no plain name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_only_a_pickle_is_refused_and_says_why()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _).Without("model.safetensors").With("pytorch_model.bin", [0x80, 2], large: true);

        var error = await Refused(hub, HubFailure.PickleOnly);

        Assert.Contains("pickle, which can run any code", error.Message, StringComparison.Ordinal);
        Assert.Empty(hub.StoreGets);
    }

    [Fact]
    public async Task Each_refusal_says_what_is_missing()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _);
        Assert.Contains("no model acme/other", (await Refused(hub, HubFailure.RepositoryNotFound, HubModelId.Parse("acme/other"))).Message, StringComparison.Ordinal);
        Assert.Contains("no revision v9", (await Refused(hub, HubFailure.RevisionNotFound, HubModelId.Parse("acme/face-vit@v9"))).Message, StringComparison.Ordinal);
        Assert.Contains("no config.json", (await Refused(hub.Without("config.json"), HubFailure.FileNotFound)).Message, StringComparison.Ordinal);

        await using var gated = (await FakeHub.StartAsync(new FakeHub { RequiredToken = Secret })).WithModel(10, out _);
        var error = await Refused(gated, HubFailure.Gated);
        Assert.Contains("gated", error.Message, StringComparison.Ordinal);
        Assert.Contains("HF_TOKEN", error.Message, StringComparison.Ordinal);

        hub.AtHub = context =>
        {
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        await Refused(hub, HubFailure.Unauthorised);
    }

    [Theory]
    [InlineData("\"d41d8cd98f00b204e9800998ecf8427e\"")]
    [InlineData("\"../../../../tmp/owned\"")]
    [InlineData("")]
    public async Task An_etag_that_is_no_hash_is_refused(string etag)
    {
        await using var hub = await FakeHub.StartAsync();
        hub.AtHub = context =>
        {
            context.Response.Headers["X-Repo-Commit"] = FakeHub.Commit;
            context.Response.Headers["X-Linked-Etag"] = etag;
            context.Response.ContentLength = 5;
            return Task.FromResult(true);
        };

        await Refused(hub, HubFailure.Protocol);
    }

    [Fact]
    public async Task A_commit_that_is_none_is_refused()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.AtHub = context =>
        {
            context.Response.Headers["X-Repo-Commit"] = "../../..";
            context.Response.Headers.ETag = $"\"{FakeHub.GitHash([])}\"";
            context.Response.ContentLength = 5;
            return Task.FromResult(true);
        };

        await Refused(hub, HubFailure.Protocol);
    }

    [SkippableFact]
    public async Task A_full_disk_is_told_and_breaks_nothing()
    {
        Skip.IfNot(File.Exists("/dev/full"), "There is no /dev/full here.");
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out var weights);
        Directory.CreateDirectory(Path.Combine(Repository, "blobs"));
        File.CreateSymbolicLink(Path.Combine(Repository, "blobs", FakeHub.Sha256(weights) + ".incomplete"), "/dev/full");

        var error = await Refused(hub, HubFailure.DiskFull);

        Assert.Contains("is full", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(Repository, "refs")));
    }

    [Fact]
    public async Task A_file_that_no_disk_could_hold_is_refused_before_its_first_byte()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(10, out _);
        hub.AtHub = context =>
        {
            if (!context.Request.Path.Value!.EndsWith("model.safetensors", StringComparison.Ordinal))
            {
                return Task.FromResult(false);
            }

            context.Response.Headers["X-Repo-Commit"] = FakeHub.Commit;
            context.Response.Headers["X-Linked-Etag"] = FakeHub.Sha256([]);
            context.Response.Headers["X-Linked-Size"] = "9000000000000000";
            return Task.FromResult(true);
        };

        await Refused(hub, HubFailure.Protocol);
        await Refused(hub, HubFailure.DiskFull, maxFileBytes: long.MaxValue);

        Assert.Empty(hub.StoreGets);
    }

    [Fact]
    public async Task Two_clients_that_want_the_same_blob_download_it_once()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(50_000, out _);
        var inside = 0;
        hub.AtStore = async context =>
        {
            Assert.Equal(1, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            return false;
        };

        var snapshots = await Task.WhenAll(Fetch(hub), Fetch(hub), Fetch(hub));

        Assert.Single(hub.StoreGets);
        Assert.Single(snapshots.Select(s => s.Folder).Distinct());
    }

    [SkippableFact]
    public async Task Another_process_that_holds_the_lock_as_Python_does_is_waited_for()
    {
        Skip.IfNot(File.Exists("/usr/bin/flock"), "There is no flock here.");
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out var weights);
        var lockFile = _folder.Write($".locks/models--acme--face-vit/{FakeHub.Sha256(weights)}.lock", []);
        using var other = Process.Start(new ProcessStartInfo("/usr/bin/flock", [lockFile, "/bin/sh", "-c", "echo held; read line"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("held", await other.StandardOutput.ReadLineAsync());

        var fetch = Fetch(hub);
        await Until(() => _progress.Any(p => p.Note?.Contains("another process", StringComparison.Ordinal) == true));
        Assert.Empty(hub.StoreGets);
        Assert.False(fetch.IsCompleted);
        await other.StandardInput.WriteLineAsync();
        await fetch;

        Assert.Single(hub.StoreGets);
        await other.WaitForExitAsync();
    }

    [Fact]
    public async Task No_secret_stands_in_what_a_person_or_a_log_gets_to_see()
    {
        await using var hub = (await FakeHub.StartAsync(new FakeHub { RequiredToken = Secret })).WithModel(1000, out var weights);
        var told = new StringBuilder();
        hub.AtStore = async context =>
        {
            await FakeHub.TruncateAsync(context, weights, 1);
            return true;
        };
        told.Append(await Refused(hub, HubFailure.Unreachable, token: Secret));
        hub.AtStore = context => Redirect(context, 302, "ftp://elsewhere/?Signature=signed-secret");
        told.Append(await Refused(hub, HubFailure.Protocol, token: Secret));
        told.Append(await Refused(hub, HubFailure.Gated, token: Secret + "x"));
        told.Append(Assert.Throws<HubException>(() => HubToken.Create(Secret + "\n" + Secret)));
        told.Append(HubToken.Create(Secret)).Append(System.Text.Json.JsonSerializer.Serialize(HubToken.Create(Secret)));
        told.AppendJoin('\n', _progress);

        Assert.DoesNotContain(Secret, told.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("signed-secret", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_list_shows_what_the_cache_holds()
    {
        await using var hub = (await FakeHub.StartAsync()).WithModel(1000, out _);
        var cache = new HubCache(_folder.Root);
        Assert.Empty(cache.List());
        await Fetch(hub);

        var model = Assert.Single(cache.List());

        Assert.Equal("acme/face-vit", model.Repository);
        Assert.Equal(1005, model.Bytes);
        var commit = Assert.Single(model.Commits);
        Assert.Equal(["main"], commit.Revisions);
        Assert.Equal(["config.json", "model.safetensors", "preprocessor_config.json"], commit.Files);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private static Task<bool> Redirect(HttpContext context, int status, string location)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = location;
        return Task.FromResult(true);
    }

    private HubClient Client(
        Uri endpoint, string? token = null, bool offline = false, TimeSpan? answerTimeout = null, long? maxFileBytes = null) => new(
        new HubOptions
        {
            Endpoint = endpoint,
            CacheFolder = _folder.Root,
            Token = HubToken.Create(token),
            Offline = offline,
            AnswerTimeout = answerTimeout ?? TimeSpan.FromSeconds(30),
            BodyTimeout = TimeSpan.FromSeconds(30),
            MaxFileBytes = maxFileBytes ?? 1 << 30,
        },
        (wait, _) =>
        {
            lock (_waits)
            {
                _waits.Add(wait);
            }

            return Task.CompletedTask;
        });

    private async Task<HubSnapshot> Fetch(
        FakeHub hub, HubModelId? model = null, string? token = null, bool offline = false, CancellationToken cancellation = default)
    {
        using var client = Client(hub.Address, token, offline);
        return await client.FetchAsync(model ?? Model, new Listener(_progress), cancellation);
    }

    private async Task<HubException> Refused(
        FakeHub hub,
        HubFailure failure,
        HubModelId? model = null,
        string? token = null,
        bool offline = false,
        TimeSpan? answerTimeout = null,
        long? maxFileBytes = null)
    {
        using var client = Client(hub.Address, token, offline, answerTimeout, maxFileBytes);
        var error = await Assert.ThrowsAsync<HubException>(() => client.FetchAsync(model ?? Model, new Listener(_progress)));
        Assert.Equal(failure, error.Failure);
        return error;
    }

    private sealed class Listener(ConcurrentQueue<HubProgress> queue) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => queue.Enqueue(value);
    }
}
