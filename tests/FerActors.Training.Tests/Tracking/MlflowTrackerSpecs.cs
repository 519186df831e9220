using System.Text;
using FerActors.Testing.Files;
using FerActors.Training.Tracking;
using Microsoft.AspNetCore.Http;

namespace FerActors.Training.Tests.Tracking;

public sealed class MlflowTrackerSpecs : IDisposable
{
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);

    private readonly TemporaryFolder _folder = new();

    private TrackedRun Run => new(
        "face-vit", _folder.Root, [new("epochs", "3"), new("long", new string('x', 900))], [new("mlflow.source.git.commit", "abc")]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_is_recorded_from_its_options_to_its_end()
    {
        await using var server = await FakeMlflow.StartAsync();
        var file = _folder.Write("metrics.json", "{ }"u8.ToArray());
        await using (var tracker = Tracker(server))
        {
            await tracker.StartAsync(Run, default);
            await tracker.LogAsync([new("validation/accuracy", 0.5, 12, Time), new("train/loss", double.NaN, 12, Time)], default);
            await tracker.LogArtifactAsync(file, "metrics.json", default);
            await tracker.EndAsync(RunStatus.Finished, default);
        }

        Assert.Equal("7", server.Experiments["faces"]);
        var run = Assert.Single(server.Runs).Value;
        Assert.Equal("face-vit", (string)run["name"]!);
        Assert.Equal("FINISHED", (string)run["status"]!);
        Assert.Equal("mlflow.source.git.commit", (string)run["tags"]![0]!["key"]!);
        Assert.Equal("3", (string)run["params"]![0]!["value"]!);
        Assert.Equal(500, ((string)run["params"]![1]!["value"]!).Length);
        Assert.Equal("""{"key":"validation/accuracy","value":0.5,"timestamp":1700000000123,"step":12}""", run["metrics"]![0]!.ToJsonString());
        Assert.Equal("NaN", (string)run["metrics"]![1]!["value"]!);
        Assert.Equal("{ }", server.Artifacts["7/run0/artifacts/metrics.json"]);
    }

    [Fact]
    public async Task A_resumed_run_goes_on_in_its_record()
    {
        await using var server = await FakeMlflow.StartAsync();
        await using (var tracker = Tracker(server))
        {
            await tracker.StartAsync(Run, default);
            await tracker.EndAsync(RunStatus.Killed, default);
        }

        Assert.Equal("KILLED", (string)server.Runs["run0"]["status"]!);
        await using (var tracker = Tracker(server))
        {
            await tracker.StartAsync(Run, default);
            Assert.Equal("RUNNING", (string)server.Runs["run0"]["status"]!);
            await tracker.LogAsync([new("a", 1, 1, Time)], default);
            await tracker.EndAsync(RunStatus.Failed, default);
        }

        Assert.Equal("FAILED", (string)Assert.Single(server.Runs).Value["status"]!);
        Assert.Equal(2, server.Runs["run0"]["params"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_record_that_was_deleted_there_is_made_anew()
    {
        await using var server = await FakeMlflow.StartAsync();
        _folder.Write(MlflowTracker.StateFileName, Encoding.UTF8.GetBytes($$"""{"address":"{{server.Address.AbsoluteUri}}","run_id":"gone"}"""));
        await using var tracker = Tracker(server);

        await tracker.StartAsync(Run, default);

        Assert.Equal(["run0"], server.Runs.Keys);
    }

    [Fact]
    public async Task A_start_that_failed_halfway_does_not_leave_a_second_record()
    {
        await using var server = await FakeMlflow.StartAsync();
        var broken = true;
        server.First = context => Answer(context, broken && context.Request.Path.Value!.EndsWith("log-batch", StringComparison.Ordinal), 503);
        await using var tracker = Tracker(server);
        await Assert.ThrowsAsync<HttpRequestException>(() => tracker.StartAsync(Run, default));
        broken = false;

        await tracker.StartAsync(Run, default);

        Assert.Equal(2, Assert.Single(server.Runs).Value["params"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("MLFLOW_TRACKING_TOKEN", "secret-token", "Bearer secret-token")]
    [InlineData("MLFLOW_TRACKING_USERNAME", "me", "Basic bWU6c2VjcmV0LXBhc3M=")]
    public async Task Credentials_go_to_the_server_and_into_no_message(string variable, string value, string expected)
    {
        await using var server = await FakeMlflow.StartAsync();
        var elsewhere = await FakeMlflow.StartAsync();
        var options = MlflowOptions.FromEnvironment(name => name switch
        {
            "MLFLOW_TRACKING_URI" => server.Address.AbsoluteUri,
            "MLFLOW_TRACKING_PASSWORD" => "secret-pass",
            _ => name == variable ? value : null,
        })!;
        server.First = context =>
        {
            context.Response.Headers.Location = elsewhere.Address.AbsoluteUri;
            return Answer(context, true, 302);
        };
        await using var tracker = new MlflowTracker(options);

        var error = await Assert.ThrowsAsync<TrackerRefusedException>(() => tracker.StartAsync(Run, default));

        Assert.All(server.Requests, request => Assert.Equal(expected, request.Authorization));
        Assert.Empty(elsewhere.Requests);
        Assert.DoesNotContain("secret", error + System.Text.Json.JsonSerializer.Serialize(options), StringComparison.Ordinal);
        await elsewhere.DisposeAsync();
    }

    [Theory]
    [InlineData("sqlite:///secret.db")]
    [InlineData("http://me:secret@host")]
    [InlineData("secret")]
    public void An_address_that_cannot_be_used_is_refused_without_being_quoted(string address)
    {
        var error = Assert.Throws<FormatException>(() => MlflowOptions.FromEnvironment(name => name == "MLFLOW_TRACKING_URI" ? address : null));

        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_address_there_is_no_tracker() => Assert.Null(MlflowOptions.FromEnvironment(_ => null));

    [Theory]
    [InlineData(500, false)]
    [InlineData(429, false)]
    [InlineData(403, true)]
    [InlineData(400, true)]
    public async Task Only_what_may_pass_is_tried_again(int status, bool refused)
    {
        await using var server = await FakeMlflow.StartAsync();
        server.First = context => Answer(context, true, status);
        await using var tracker = Tracker(server);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => tracker.StartAsync(Run, default));

        Assert.Equal(refused, error is TrackerRefusedException);
    }

    [Fact]
    public async Task A_server_that_keeps_artifacts_elsewhere_says_so()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.ArtifactRoot = "s3://bucket/";
        await using var tracker = Tracker(server);
        await tracker.StartAsync(Run, default);

        var error = await Assert.ThrowsAsync<TrackerRefusedException>(() => tracker.LogArtifactAsync(_folder.Write("a", []), "a", default));

        Assert.Contains("--serve-artifacts", error.Message, StringComparison.Ordinal);
    }

    private static async Task<bool> Answer(HttpContext context, bool really, int status)
    {
        if (really)
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync("");
        }

        return really;
    }

    private static MlflowTracker Tracker(FakeMlflow server) => new(new MlflowOptions { Address = server.Address, Experiment = "faces" });
}
