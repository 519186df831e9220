using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using FerActors.Host.Commands.Node;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Host.Tests.Operator;
using FerActors.Inference.Serving;
using FerActors.Shared.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Node;

/// <summary>Nodes of the role <c>api</c>: members of the cluster that need neither model nor broker.</summary>
public sealed class ClusterCompositionSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_alone_becomes_a_cluster_of_one_with_its_roles_and_leaves_with_exit_code_0()
    {
        var node = Build("Cluster:Roles:0=api");
        using var stop = new CancellationTokenSource();
        var code = HostCommand.RunAsync(node, stop.Token);
        var cluster = await UpAsync(node);
        Assert.Equal([NodeRoles.Api], cluster.SelfMember.Roles);
        Assert.False(node.Services.GetRequiredService<ActorRegistry>().TryGet<ModelHost>(out _));

        await stop.CancelAsync();

        Assert.Equal(0, await code.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_node_that_the_cluster_downs_ends_with_exit_code_3()
    {
        var node = Build("Cluster:Roles:0=api");
        var code = HostCommand.RunAsync(node, CancellationToken.None);
        var cluster = await UpAsync(node);

        cluster.Down(cluster.SelfAddress);

        Assert.Equal(HostCommand.Downed, await code.WaitAsync(Patience));
    }

    [Fact]
    public async Task The_options_reach_the_cluster()
    {
        using var node = Build(
            "Cluster:Roles:0=api",
            "Cluster:SeedNodeTimeout=00:00:33",
            "Cluster:SplitBrainStableAfter=00:00:11",
            "Cluster:SplitBrainRole=control",
            "Cluster:AcceptableHeartbeatPause=00:00:07",
            "RabbitMq:DrainTimeout=00:00:40");
        var settings = node.Services.GetRequiredService<ActorSystem>().Settings.Config.GetConfig("akka.cluster");

        Assert.Equal(TimeSpan.FromSeconds(33), settings.GetTimeSpan("seed-node-timeout"));
        Assert.Equal(TimeSpan.FromSeconds(11), settings.GetTimeSpan("split-brain-resolver.stable-after"));
        Assert.Equal("keep-majority", settings.GetString("split-brain-resolver.active-strategy"));
        Assert.Equal("control", settings.GetString("split-brain-resolver.keep-majority.role"));
        Assert.Equal(TimeSpan.FromSeconds(7), settings.GetTimeSpan("failure-detector.acceptable-heartbeat-pause"));
        Assert.True(settings.GetBoolean("run-coordinated-shutdown-when-down"));
        Assert.True(
            node.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<HostOptions>>().Value.ShutdownTimeout >= TimeSpan.FromSeconds(70));
        await node.Services.GetRequiredService<ActorSystem>().Terminate();
    }

    [Fact]
    public void Of_two_settings_for_one_name_the_later_wins()
    {
        var configuration = FerConfiguration.Build(null, ["RabbitMq:Prefetch=3", "RabbitMQ:prefetch=7"]);

        Assert.Equal(7, FerConfiguration.Read(configuration).RabbitMq.Prefetch);
    }

    [Fact]
    public void Seeds_are_refused_where_they_are_missing()
    {
        var mistakes = Assert.Throws<ConfigurationException>(() => Build("Cluster:Alone=false"));

        Assert.Contains(mistakes.Errors, e => e.Contains("SeedNodes", StringComparison.Ordinal));
    }

    private static IHost Build(params string[] settings) => FerNode.Build(FerConfiguration.Build(null, [.. settings, "Logging:Level=Error"]));

    private static async Task<Cluster> UpAsync(IHost node)
    {
        var system = node.Services.GetRequiredService<ActorSystem>();
        await Membership.UpAsync(system, Patience);
        return Cluster.Get(system);
    }
}
