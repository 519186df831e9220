using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using FerActors.Host.Node;
using FerActors.Host.Operator;
using FerActors.Shared.Cluster;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Tests.Operator;

/// <summary>Three members in one process; the split-brain resolver waits longer than the tests: what happens is the operator's.</summary>
public sealed class ClusterOperationsSpecs : IAsyncLifetime
{
    private readonly List<IHost> _hosts = [];
    private OperatorService _operators = null!;

    public async Task InitializeAsync()
    {
        var port = FreePort.Find();
        var seed = FormattableString.Invariant($"127.0.0.1:{port}");
        var first = await StartAsync(new ClusterOptions { Alone = false, Port = port, SeedNodes = [seed], Roles = [NodeRoles.Control] });
        foreach (var role in new[] { NodeRoles.Inference, NodeRoles.Api })
        {
            await StartAsync(new ClusterOptions { Alone = false, SeedNodes = [seed], Roles = [role] });
        }

        _operators = new OperatorService(
            first.Services.GetRequiredService<ActorSystem>(),
            first.Services.GetRequiredService<IReadOnlyActorRegistry>(),
            OperatorNode.Patience,
            OperatorNode.Patience);
        await ShownAsync(c => c.Members.Count(m => m.Status == nameof(MemberStatus.Up)) == 3);
    }

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.Services.GetRequiredService<ActorSystem>().Terminate();
            host.Dispose();
        }
    }

    [Fact]
    public async Task Members_are_shown_asked_to_leave_and_downed_once_they_are_dead()
    {
        var (self, leaving, dying) = (Address(_hosts[0]), Address(_hosts[1]), Address(_hosts[2]));
        var shown = await ShownAsync(_ => true);
        var none = await _operators.ExecuteAsync(new ClusterRequests.DownUnreachable());
        var unknown = await _operators.ExecuteAsync(new ClusterRequests.Down("127.0.0.1:1"));

        var hostAndPort = leaving[(leaving.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var leave = await _operators.ExecuteAsync(new ClusterRequests.Leave(hostAndPort));
        await ShownAsync(c => c.Members.All(m => m.Address != leaving));
        ((ExtendedActorSystem)_hosts[2].Services.GetRequiredService<ActorSystem>()).Abort();
        await ShownAsync(c => c.Members.Any(m => m.Address == dying && !m.Reachable));
        var down = await _operators.ExecuteAsync(new ClusterRequests.DownUnreachable());
        var alone = await ShownAsync(c => c.Members.Count == 1);

        Assert.Equal(self, shown.Self);
        Assert.Contains(shown.Leader, new[] { self, leaving, dying });
        Assert.Equal([(self, NodeRoles.Control)], shown.Members.Where(m => m.Address == self).Select(m => (m.Address, m.Roles.Single())));
        Assert.All(shown.Members, m => Assert.True(m.Reachable));
        Assert.Equal("No member is unreachable.", none.Message);
        Assert.Equal(OperatorOutcome.Refused, unknown.Outcome);
        Assert.Contains("There is no member '127.0.0.1:1'.", unknown.Message, StringComparison.Ordinal);
        Assert.Equal($"{leaving} was asked to finish its work and leave.", leave.Message);
        Assert.Equal($"1 member downed: {dying}.", down.Message);
        Assert.Equal(self, alone.Members.Single().Address);
    }

    [Fact]
    public async Task A_living_member_is_downed_where_its_address_is_given_and_the_answering_node_leaves_where_none_is()
    {
        var down = await _operators.ExecuteAsync(new ClusterRequests.Down(Address(_hosts[2])));
        await ShownAsync(c => c.Members.Count == 2);
        var terminated = _hosts[0].Services.GetRequiredService<ActorSystem>().WhenTerminated;

        var leave = await _operators.ExecuteAsync(new ClusterRequests.Leave());
        await terminated.WaitAsync(OperatorNode.Patience);

        Assert.Equal($"{Address(_hosts[2])} is downed, though it could be reached.", down.Message);
        Assert.Equal($"{Address(_hosts[0])} was asked to finish its work and leave.", leave.Message);
    }

    private static string Address(IHost host) => Cluster.Get(host.Services.GetRequiredService<ActorSystem>()).SelfAddress.ToString();

    private async Task<IHost> StartAsync(ClusterOptions options)
    {
        var settings = options with
        {
            SplitBrainStableAfter = TimeSpan.FromMinutes(10),
            AcceptableHeartbeatPause = TimeSpan.FromSeconds(3),
        };
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka(ClusterOptions.SystemName, akka => akka
            .WithFerCluster(settings)
            .AddHocon(
                """
                akka.loglevel = OFF
                akka.cluster { gossip-interval = 100ms, leader-actions-interval = 100ms, unreachable-nodes-reaper-interval = 200ms }
                """,
                HoconAddMode.Prepend));
        var host = builder.Build();
        _hosts.Add(host);
        await host.StartAsync();
        return host;
    }

    private async Task<ClusterView> ShownAsync(Func<ClusterView, bool> expected)
    {
        using var patience = new CancellationTokenSource(OperatorNode.Patience);
        while (true)
        {
            var reply = await _operators.ExecuteAsync(new ClusterRequests.Show());
            var view = Assert.IsType<ClusterView>(reply.View);
            if (expected(view))
            {
                return view;
            }

            Assert.False(patience.IsCancellationRequested, $"The cluster stays {string.Join(", ", view.Members)}.");
            await Task.Delay(50);
        }
    }
}
