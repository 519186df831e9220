using System.Text.Json;
using FerActors.Host.Commands;
using FerActors.Host.Commands.Node;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Host.Operator;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Operator;

/// <summary>Whole nodes as <c>fer host</c> builds them, operated by what a person types.</summary>
public sealed class OperatedNodeSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-operated-").FullName;

    private string Endpoint => Path.Combine(_folder, "control.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_node_that_an_operator_downs_ends_with_exit_code_3_and_one_that_leaves_with_0()
    {
        var node = HostCommand.RunAsync(Build("Cluster:Roles:0=api"), CancellationToken.None);
        var self = (await ShownAsync()).Self;
        var down = await FerAsync("cluster", "down", self);
        var downed = await node.WaitAsync(OperatorNode.Patience);

        node = HostCommand.RunAsync(Build("Cluster:Roles:0=api"), CancellationToken.None);
        await ShownAsync();
        var leave = await FerAsync("cluster", "leave");
        var left = await node.WaitAsync(OperatorNode.Patience);
        var gone = await FerAsync("cluster", "show");

        Assert.Equal((0, HostCommand.Downed), (down.Code, downed));
        Assert.Equal((0, 0), (leave.Code, left));
        Assert.Equal(OperatorExitCodes.NoAnswer, gone.Code);
    }

    [Fact]
    public async Task A_node_that_serves_shows_the_counts_of_its_parts()
    {
        using var host = Build(
            "Cluster:Roles:0=inference",
            "Model:Precision=fp32",
            "Batching:MaxBatchSize=1",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "RabbitMq:Uri=amqp://guest:guest@127.0.0.1:1/");
        await host.StartAsync();

        var (code, output, errors) = await FerAsync("stats");
        var json = await FerAsync("stats", "--json");
        await host.StopAsync();

        Assert.True(code == 0, errors);
        Assert.All(
            ["Pipeline", "Batching", "Transport", "Model host", "not connected", "images with faces", "models in memory"],
            text => Assert.Contains(text, output, StringComparison.Ordinal));
        var view = JsonDocument.Parse(json.Output).RootElement.GetProperty("view");
        Assert.Equal(0, view.GetProperty("pipeline").GetProperty("classified").GetInt64());
        Assert.False(view.GetProperty("transport").GetProperty("consumer_connected").GetBoolean());
        Assert.Equal(1, view.GetProperty("models").GetProperty("held_models").GetInt32());
    }

    private IHost Build(params string[] settings) => FerNode.Build(FerConfiguration.Build(
        null, [.. settings, $"Control:Socket={Endpoint}", "Control:AnswerTimeout=00:00:20", "Logging:Level=Fatal"]));

    // The endpoint may be there before the node is a member.
    private async Task<ClusterView> ShownAsync()
    {
        using var patience = new CancellationTokenSource(OperatorNode.Patience);
        while (true)
        {
            var (_, output, _) = await FerAsync("cluster", "show", "--json");
            var reply = JsonSerializer.Deserialize<OperatorReply>(output, OperatorJson.Replies)!;
            if (reply.View is ClusterView { Members: [{ Status: "Up" }] } view)
            {
                return view;
            }

            Assert.False(patience.IsCancellationRequested, output);
            await Task.Delay(50);
        }
    }

    private async Task<(int Code, string Output, string Errors)> FerAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync([.. arguments, "--endpoint", Endpoint], (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
