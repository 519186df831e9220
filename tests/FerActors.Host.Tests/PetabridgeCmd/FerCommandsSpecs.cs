using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Node;
using FerActors.Host.PetabridgeCmd;
using FerActors.Host.Tests.Operator;
using FerActors.Shared.Options;
using FerActors.Testing.Models;
using Microsoft.Extensions.Hosting;
using Petabridge.Cmd;
using Petabridge.Cmd.Cluster;
using Petabridge.Cmd.Host;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Tests.PetabridgeCmd;

/// <summary>The adapter for pbm against hand-written declarations of what it uses of Petabridge.Cmd; the operations are real.</summary>
public sealed class FerCommandsSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-pbm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Commands_of_the_palette_reach_the_actors_and_their_sentences_come_back()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var client = node.System.ActorOf(new FerCommands(node.Operators).HandlerProps);

        var model = SmallModel.Write(Path.Combine(_folder, "model"), 1, right: 4);
        var registered = await AskAsync(client, "model-register", ("--version", "v1"), ("--folder", model));
        var promoted = await AskAsync(client, "model-promote", ("--version", "v1"), ("--force", "true"));
        var models = await AskAsync(client, "model-list");
        var refused = await AskAsync(client, "model-promote", ("--version", "v9"));
        var misspelt = await AskAsync(client, "model-promote", ("--version", "../v9"));
        var missing = await AskAsync(client, "model-promote");
        var members = await AskAsync(client, "cluster-show");
        var submitted = await AskAsync(
            client, "train-submit", ("--data", "/data/fer.csv"), ("--id", "run-1"), ("--set", "epochs=3"), ("--set", "seed=5"));
        var runs = await AskAsync(client, "train-list");
        var statistics = await AskAsync(client, "stats");

        Assert.All(
            [registered, promoted, models, members, submitted, runs, statistics],
            r => Assert.True(r is not ErroredCommandResponse, r.Message));
        Assert.All([refused, misspelt, missing], r => Assert.IsType<ErroredCommandResponse>(r));
        Assert.All([registered, refused, statistics], r => Assert.True(r.Final));
        Assert.Contains("v1 is the champion", promoted.Message, StringComparison.Ordinal);
        Assert.Contains("champion", models.Message, StringComparison.Ordinal);
        Assert.Equal("There is no version v9.", refused.Message);
        Assert.Contains("this node", members.Message, StringComparison.Ordinal);
        Assert.Contains("run-1", runs.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_looks_like_a_switch_or_a_file_is_a_value()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var palette = new OperatorPalette(node.Operators);
        var file = Path.Combine(_folder, "secret");
        await File.WriteAllTextAsync(file, "s3cret");

        var dash = await palette.ExecuteAsync("model-describe", [("--version", "--force")]);
        var response = await palette.ExecuteAsync("model-describe", [("--version", "@" + file)]);
        var unknown = await palette.ExecuteAsync("model-describe", [("--verson", "v1")]);
        var config = await palette.ExecuteAsync("train-submit", [("--data", "x"), ("--config", file)]);
        var none = await palette.ExecuteAsync("model-destroy", []);

        Assert.All([dash, response], a => Assert.Contains("A model version's name has", a.Text, StringComparison.Ordinal));
        Assert.Equal("'--verson' is no switch of model-describe.", unknown.Text);
        Assert.Equal("'--config' is no switch of train-submit.", config.Text);
        Assert.Equal("There is no command 'model-destroy'.", none.Text);
        Assert.All([dash, response, unknown, config, none], a => Assert.False(a.Done));
        Assert.All([dash, response, unknown, config, none], a => Assert.DoesNotContain("s3cret", a.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void The_palette_has_every_command_of_the_command_line_with_a_switch_for_each_argument()
    {
        var commands = FerCommands.Palette.Commands.ToDictionary(c => c.Name);

        Assert.Equal("fer", FerCommands.Palette.ModuleName);
        Assert.All(
            [
                "cluster-show", "cluster-leave", "cluster-down", "cluster-down-unreachable",
                "model-promote", "model-rollback", "model-canary", "model-shadow", "train-submit", "train-promote", "stats",
            ],
            name => Assert.True(commands.ContainsKey(name), name));
        Assert.All(
            commands.Values.SelectMany(c => c.ArgumentsByName.Values),
            a => Assert.StartsWith("--", a.Switch.Single(), StringComparison.Ordinal));
        Assert.Equal(
            [("version", true), ("force", false)],
            commands["model-promote"].ArgumentsByName.Values.Select(a => (a.Name, a.IsMandatory)));
        Assert.All(commands.Keys, name => Assert.DoesNotContain(' ', name));
    }

    [Fact]
    public async Task It_listens_on_loopback_with_the_clusters_palette_beside()
    {
        var options = new ControlOptions();
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka(ClusterOptions.SystemName, akka => akka
            .WithFerCluster(new ClusterOptions { Roles = ["api"] })
            .AddFerPalette(options));
        using var host = builder.Build();
        await host.StartAsync();

        var (listening, cmd) = PetabridgeCmdHostingExtensions.Added!.Value;
        await host.StopAsync();

        Assert.Equal(("127.0.0.1", 9110), (listening.Host, listening.Port));
        Assert.Collection(cmd.Handlers, h => Assert.IsType<ClusterCommands>(h), h => Assert.IsType<FerCommands>(h));
    }

    private static Task<CommandResponse> AskAsync(IActorRef client, string name, params (string Switch, string Value)[] arguments)
    {
        var definition = FerCommands.Palette.Commands.Single(c => c.Name == name);
        var command = new Command(definition, [.. arguments.Select(a => Tuple.Create(a.Switch, a.Value))]);
        return client.Ask<CommandResponse>(command, OperatorNode.Patience);
    }
}
