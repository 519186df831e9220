using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote.Transport.DotNetty;
using FerActors.Control.Registry;
using FerActors.Host.Clustering;
using FerActors.Host.Health;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Host.Tests.Operator;
using FerActors.Shared.Registry;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Tests.Clustering;

/// <summary>What a process that is no member can do to a node by Akka.Remote.</summary>
public sealed class ForeignClientSpecs : IDisposable
{
    private const string Transport = "/user/rabbit-transport";

    private static readonly string RegistryPath = $"/user/{ModelRegistryHosting.SingletonName}";

    // For what does not come.
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly NodeData _data = new();

    public static TheoryData<string> Strangers => ["without TLS", "without a certificate", "of another authority"];

    public void Dispose() => _data.Dispose();

    [Theory]
    [MemberData(nameof(Strangers))]
    public async Task A_stranger_is_not_let_in_and_none_of_its_acts_is_done(string stranger)
    {
        await using var node = await StartAsync();
        await using var client = await ForeignClient.StartAsync(Cluster.Get(node.System).SelfAddress, Stranger(stranger));

        ActAll(client);

        // It finds nothing: the path below is one that a member may ask for.
        await Assert.ThrowsAsync<ActorNotFoundException>(() => client.Select(RegistryPath).ResolveOne(Wait));
        await AssertUntouchedAsync(node);
    }

    [Fact]
    public async Task A_client_with_a_certificate_of_the_cluster_reaches_the_singletons_and_can_neither_find_stop_nor_deploy_an_actor()
    {
        await using var node = await StartAsync();
        await using var client = await ForeignClient.StartAsync(Cluster.Get(node.System).SelfAddress, CertificateOf(_data.Folder, "cluster"));
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = client.System.ActorOf(Props.Create(() => new Listener(found)));

        ActAll(client);
        client.Select(Transport).Tell(new Identify(Transport), listener);
        client.Select("/user/*").Tell(new Identify("all"), listener);

        // One connection keeps the order: the answer to the last question means that all before it was read.
        client.Select(RegistryPath).Tell(new Identify(RegistryPath), listener);

        Assert.Equal(RegistryPath, await found.Task.WaitAsync(Patience));
        await AssertUntouchedAsync(node);
    }

    [Fact]
    public async Task Two_nodes_of_one_folder_meet_on_loopback_without_any_preparation()
    {
        await using var first = await StartAsync();
        var address = Cluster.Get(first.System).SelfAddress;

        await using var second = await ServiceNode.StartAsync(
            _data,
            "Cluster:Alone=false",
            $"Cluster:SeedNodes=127.0.0.1:{address.Port}",
            "Cluster:Roles=api",
            $"Cluster:CertificateFolder={Path.Combine(_data.Folder, "cluster")}");

        await Membership.UpAsync(second.System, Patience);
        Assert.Equal("akka.ssl.tcp", address.Protocol);
        Assert.Equal(2, Cluster.Get(second.System).State.Members.Count);
    }

    [Fact]
    public async Task A_node_whose_top_level_actor_has_ended_lives_no_more()
    {
        await using var node = await StartAsync();
        Assert.Equal(HealthStatus.Healthy, (await LiveAsync(node)).Status);

        node.System.ActorSelection(Transport).Tell(PoisonPill.Instance);

        HealthReport report;
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        do
        {
            await again.WaitForNextTickAsync();
            report = await LiveAsync(node);
        }
        while (report.Status == HealthStatus.Healthy);
        Assert.Contains(Transport, report.Entries["actors"].Description, StringComparison.Ordinal);
    }

    private static void ActAll(ForeignClient client)
    {
        client.Select(Transport).Tell(PoisonPill.Instance);
        client.At(Transport).Tell(PoisonPill.Instance);
        client.At(Transport).Tell(Kill.Instance);
        ((IInternalActorRef)client.At(Transport)).Stop();
        client.Deploy(Props.Create(() => new Deployed()));
        client.Select(RegistryPath + "-proxy").Tell(Registration);
        client.Select(RegistryPath + "-proxy").Tell(new RegistryCommands.Promote(Registration.Version, Force: true));
    }

    private static RegistryCommands.Register Registration { get; } =
        new(ModelVersionId.Parse("mine"), Surroundings.ShippedModel, ModelProvenance.Unknown);

    private static async Task AssertUntouchedAsync(ServiceNode node)
    {
        Assert.Equal(0, Deployed.Count);
        Assert.Equal(HealthStatus.Healthy, (await LiveAsync(node)).Status);
        Assert.False((await node.System.ActorSelection(Transport).ResolveOne(Patience)).IsNobody());
        var status = await node.StatusWhen(_ => true);
        Assert.Equal((0L, null), (status.Sequence, status.Desired.Champion));
    }

    private static Task<HealthReport> LiveAsync(ServiceNode node) =>
        node.Health.CheckHealthAsync(check => check.Tags.Contains(HealthTags.Live));

    private DotNettySslSetup? Stranger(string kind)
    {
        if (kind == "without TLS")
        {
            return null;
        }

        CertificateAuthority.EnsureLocal(Path.Combine(_data.Folder, "theirs"));
        var own = CertificateOf(_data.Folder, "theirs");
        return kind == "without a certificate"
            ? new DotNettySslSetup(own.Certificate, suppressValidation: true, requireMutualAuthentication: false)
            : own;
    }

    private static DotNettySslSetup CertificateOf(string folder, string name) => new(
        X509Certificate2.CreateFromPemFile(
            Path.Combine(folder, name, CertificateAuthority.CertificateName), Path.Combine(folder, name, CertificateAuthority.KeyName)),
        suppressValidation: true);

    private async Task<ServiceNode> StartAsync()
    {
        var port = FreePort.Find().ToString(CultureInfo.InvariantCulture);
        var node = await ServiceNode.StartAsync(
            _data,
            "Cluster:Alone=false",
            $"Cluster:Port={port}",
            $"Cluster:SeedNodes=127.0.0.1:{port}",
            "Cluster:Roles=control,inference",
            $"Cluster:CertificateFolder={Path.Combine(_data.Folder, "cluster")}");
        await Membership.UpAsync(node.System, Patience);
        await node.StatusWhen(status => status.Announced);
        return node;
    }

    private sealed class Deployed : ReceiveActor
    {
        private static int _count;

        public Deployed()
        {
            // The client makes none itself: where a node takes the deployment, the node does.
            Interlocked.Increment(ref _count);
            ReceiveAny(_ => { });
        }

        public static int Count => _count;
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<string> found) =>
            Receive<ActorIdentity>(identity => found.TrySetResult((string)identity.MessageId));
    }
}
