using System.Text.Json;
using FerActors.Host.Commands;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Operator;
using FerActors.Shared.Training;
using FerActors.Testing.Models;

namespace FerActors.Host.Tests.Commands;

/// <summary>What an operator types, against a real node behind its real endpoint.</summary>
public sealed class OperatorCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-operator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Versions_are_registered_promoted_and_listed()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var good = SmallModel.Write(Path.Combine(_folder, "good"), 1, right: 4);
        var worse = SmallModel.Write(Path.Combine(_folder, "worse"), 2, right: 2);

        var register = await FerAsync(node, "model", "register", "v1", good, "--parent", "org/name");
        await FerAsync(node, "model", "register", "v2", worse);
        var before = await FerAsync(node, "model", "status");
        var promote = await FerAsync(node, "model", "promote", "v1");
        var waited = await FerAsync(node, "model", "promote", "v1", "--wait", "--timeout", "3");
        var waitedJson = await FerAsync(node, "model", "promote", "v1", "--wait", "--timeout", "3", "--json");
        var refused = await FerAsync(node, "model", "promote", "v2");
        var forced = await FerAsync(node, "model", "promote", "v2", "--force");
        var list = await FerAsync(node, "model", "list");
        var json = await FerAsync(node, "model", "list", "--json");
        var canary = await FerAsync(node, "model", "canary", "v1", "5%");
        var ended = await FerAsync(node, "model", "canary", "--end");
        var status = await FerAsync(node, "model", "status");
        var rollback = await FerAsync(node, "model", "rollback", "--reason", "it is worse");
        var statistics = await FerAsync(node, "stats");

        Assert.All(
            [register, promote, forced, list, json, canary, ended, status, rollback, statistics],
            r => Assert.True(r.Code == 0, r.Errors));
        Assert.StartsWith("No version has been promoted, so that each node serves the model of its own Model:Path; ", before.Output, StringComparison.Ordinal);
        Assert.Contains("v1 is the champion. 0 of 1 inference nodes serve it yet.", promote.Output, StringComparison.Ordinal);
        Assert.Equal((OperatorExitCodes.Refused, OperatorExitCodes.Refused), (waited.Code, waitedJson.Code));
        Assert.Contains("has said nothing yet.", waited.Output, StringComparison.Ordinal);
        Assert.StartsWith("fer: The change stays in the registry. 0 of 1 inference nodes serve it yet: ", waited.Errors, StringComparison.Ordinal);
        Assert.Equal("refused", JsonDocument.Parse(waitedJson.Output).RootElement.GetProperty("outcome").GetString());
        Assert.Equal(OperatorExitCodes.Refused, refused.Code);
        Assert.StartsWith("fer: Gate accuracy", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("v1 is the canary for 5 % of the images.", canary.Output, StringComparison.Ordinal);
        Assert.Contains("champion", list.Output, StringComparison.Ordinal);
        var models = JsonDocument.Parse(json.Output).RootElement.GetProperty("view").GetProperty("models");
        Assert.Equal(["v1", "v2"], models.EnumerateArray().Select(m => m.GetProperty("version").GetString()));
        Assert.Contains("v2 is the champion; 0 of 1 inference nodes serve what they should.", status.Output, StringComparison.Ordinal);
        Assert.Contains("Rolled back from v2 to v1.", rollback.Output, StringComparison.Ordinal);
        Assert.Contains("Models of all nodes", statistics.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_submitted_from_a_file_watched_to_its_end_and_listed()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var config = Path.Combine(_folder, "run.yaml");
        await File.WriteAllTextAsync(config, "data: fer.csv\nname: tiny one\npreset: tiny\nepochs: 3\n");

        var submit = await FerAsync(node, "train", "submit", "--config", config, "--set", "epochs=2", "--id", "run-1", "--priority", "5");
        var (listener, end) = await node.Executor.NextAsync();
        var pause = await FerAsync(node, "train", "pause", "run-1");
        await node.ReplyWhen(new TrainRequests.Describe("run-1"), r => r.View is RunDetailsView { Run.State: RunState.Paused });
        var resume = await FerAsync(node, "train", "resume", "run-1");
        (listener, end) = await node.Executor.NextAsync();
        using var output = new Lines();
        string[] watch = ["train", "watch", "run-1", "--interval", "0.05", "--endpoint", node.Socket];
        var watching = FerCommandLine.RunAsync(watch, (output, output));
        listener.Reached(RunState.Running);
        listener.Finished(new EpochMetrics(1, 10, 1.5, 0.5, 0.4));
        await output.SaidAsync("epoch 1: loss 1.5000, accuracy 50.00 %");
        end.SetException(new IOException("the disk is full"));
        var watched = await watching.WaitAsync(OperatorNode.Patience);
        var list = await FerAsync(node, "train", "list");
        var described = await FerAsync(node, "train", "describe", "run-1", "--json");
        var promote = await FerAsync(node, "train", "promote", "run-1");
        var deleted = await FerAsync(node, "train", "delete", "run-1");

        Assert.All([submit, pause, resume, list, described, deleted], r => Assert.True(r.Code == 0, r.Errors));
        Assert.Contains("Run 'run-1' is queued.", submit.Output, StringComparison.Ordinal);
        Assert.Equal(OperatorExitCodes.Refused, watched);
        Assert.Contains("Failed: ", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("tiny one", list.Output, StringComparison.Ordinal);
        var view = JsonDocument.Parse(described.Output).RootElement.GetProperty("view");
        Assert.Equal(
            (2, Path.GetFullPath("fer.csv"), "run-1", 5),
            (view.GetProperty("options").GetProperty("epochs").GetInt32(),
                view.GetProperty("data").GetString(),
                view.GetProperty("run").GetProperty("model_version").GetString(),
                view.GetProperty("run").GetProperty("priority").GetInt32()));
        Assert.Equal(OperatorExitCodes.Refused, promote.Code);
    }

    [Fact]
    public async Task The_membership_is_shown_over_a_port_with_a_token_and_not_without()
    {
        var token = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(token, "0123456789abcdef-token\n");
        await using var node = await OperatorNode.StartAsync(_folder, o => o with { Port = 0, TokenFile = token, Socket = "" });
        var endpoint = node.Server.TcpAddress!.ToString();

        var show = await RunAsync("cluster", "show", "--endpoint", endpoint, "--token-file", token);
        var without = await RunAsync("cluster", "show", "--endpoint", endpoint);
        var unknown = await RunAsync("cluster", "down", "10.1.1.1:1", "--endpoint", endpoint, "--token-file", token);

        Assert.Equal(0, show.Code);
        Assert.Contains("1 member, 0 of them unreachable.", show.Output, StringComparison.Ordinal);
        Assert.Contains("control, inference, training", show.Output, StringComparison.Ordinal);
        Assert.Equal((OperatorExitCodes.Refused, "fer: The token is missing or wrong."), (without.Code, without.Errors.Trim()));
        Assert.Equal(OperatorExitCodes.Refused, unknown.Code);
    }

    [Fact]
    public async Task A_submission_that_is_too_large_is_refused_by_the_node_in_a_sentence()
    {
        await using var node = await OperatorNode.StartAsync(_folder);

        var (code, _, errors) = await FerAsync(node, "train", "submit", "--data", "fer.csv", "--name", new string('x', 200_000));

        Assert.Equal(OperatorExitCodes.BadUsage, code);
        Assert.StartsWith("fer: The request has more than 131072 bytes.", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster")]
    [InlineData("cluster", "explode")]
    [InlineData("cluster", "down")]
    [InlineData("model", "promote")]
    [InlineData("model", "promote", "v1", "--froce")]
    [InlineData("model", "promote", "../v1")]
    [InlineData("model", "canary", "v1")]
    [InlineData("model", "canary", "v1", "some")]
    [InlineData("model", "canary", "v1", "0.1", "--end")]
    [InlineData("model", "rollback")]
    [InlineData("train", "pause")]
    [InlineData("train", "submit", "--set", "epochs=2")]
    [InlineData("train", "submit", "--data", "fer.csv", "--set", "epoch=2")]
    [InlineData("train", "submit", "--data", "fer.csv", "--set", "fp32_weights=true")]
    [InlineData("train", "submit", "--data", "fer.csv", "--config", "/no/such/file.yaml")]
    [InlineData("train", "watch", "run-1", "--interval", "0")]
    [InlineData("stats", "--endpoint", "amqp://localhost")]
    [InlineData("stats", "--timeout", "0")]
    [InlineData("stats", "--token-file", "/no/such/file", "--endpoint", "http://127.0.0.1:1")]
    public async Task Bad_usage_has_a_sentence_and_exit_code_2(params string[] arguments)
    {
        await using var node = arguments is [_, "promote", "../v1"] ? await OperatorNode.StartAsync(_folder) : null;

        var (code, _, errors) = node is null ? await RunAsync(arguments) : await FerAsync(node, arguments);

        Assert.Equal(OperatorExitCodes.BadUsage, code);
        Assert.NotEmpty(errors);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unix:/no/such/folder/control.sock", "there is no such socket")]
    [InlineData("http://127.0.0.1:1", "refused")]
    public async Task A_node_that_is_not_there_is_exit_code_4(string endpoint, string why)
    {
        var (code, output, errors) = await RunAsync("cluster", "show", "--endpoint", endpoint);
        var (_, json, _) = await RunAsync("cluster", "show", "--endpoint", endpoint, "--json");

        Assert.Equal((OperatorExitCodes.NoAnswer, ""), (code, output));
        Assert.StartsWith("fer: No node answers at ", errors, StringComparison.Ordinal);
        Assert.Contains(why, errors, StringComparison.Ordinal);
        Assert.Equal("no_answer", JsonDocument.Parse(json).RootElement.GetProperty("outcome").GetString());
    }

    [Theory]
    [InlineData("0.05", 0.05)]
    [InlineData("5%", 0.05)]
    [InlineData("1", 1.0)]
    public void A_share_is_a_proportion_or_a_percentage(string text, double share) => Assert.Equal(share, OperatorCommands.Share(text), 9);

    private static Task<(int Code, string Output, string Errors)> FerAsync(OperatorNode node, params string[] arguments) =>
        RunAsync([.. arguments, "--endpoint", "unix:" + node.Socket]);

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(arguments, (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>Takes lines from another thread, and tells when one has come.</summary>
    private sealed class Lines : StringWriter
    {
        private readonly Lock _lock = new();

        public override void WriteLine(string? value)
        {
            lock (_lock)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }

        public async Task SaidAsync(string text)
        {
            using var patience = new CancellationTokenSource(OperatorNode.Patience);
            while (!ToString().Contains(text, StringComparison.Ordinal))
            {
                Assert.False(patience.IsCancellationRequested, ToString());
                await Task.Delay(20);
            }
        }
    }
}
