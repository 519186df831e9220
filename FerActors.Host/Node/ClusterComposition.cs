using System.Globalization;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.DistributedData;
using Akka.Hosting;
using Akka.Remote.Hosting;
using FerActors.Control.Registry;
using FerActors.Control.Training;
using FerActors.Control.Wire;
using FerActors.Host.Clustering;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Node;

/// <summary>Makes an actor system a member of the cluster.</summary>
public static class ClusterComposition
{
    /// <summary>
    /// How long a singleton waits after its node was removed before it starts at another one. Akka's own 20 s give a cut-off side the
    /// time to stop its singleton. Here a second one could not do harm: the journal takes each event number once, and the clock
    /// of the desired models is that number.
    /// </summary>
    public static TimeSpan MovingMargin { get; } = TimeSpan.FromSeconds(5);

    /// <summary>What leaving the cluster takes at most, beyond the draining of a node's work.</summary>
    public static TimeSpan LeaveAllowance { get; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Adds membership with the roles and seeds of the options, split-brain resolution, distributed data, the wire protocol, and
    /// remoting as <see cref="ClusterOptions"/> says: none for a node that is alone, which joins itself. A node that the cluster downs
    /// shuts itself down.
    /// </summary>
    /// <param name="builder">The builder of the actor system.</param>
    /// <param name="options">Validated options.</param>
    /// <exception cref="IOException">The node's certificate cannot be used; the message says why.</exception>
    public static AkkaConfigurationBuilder WithFerCluster(this AkkaConfigurationBuilder builder, ClusterOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        (options.Alone ? builder.AddHocon(AloneTransport.Settings, HoconAddMode.Prepend) : WithGuardedRemoting(builder, options))
            .AddHocon(Settings(options), HoconAddMode.Prepend)
            .WithClustering(new Akka.Cluster.Hosting.ClusterOptions
            {
                Roles = [.. options.EffectiveRoles],
                SeedNodes = [.. options.SeedAddresses],
                SplitBrainResolver = new KeepMajorityOption { Role = options.SplitBrainRole },
            })
            .AddHocon(DistributedData.DefaultConfig(), HoconAddMode.Append)
            .WithFerSerialization()

            // On every node and from the start: majorities are counted over all members, and one whose replicator is not there answers none.
            .WithActors((system, _) => DistributedData.Get(system));
        return options.Alone
            ? builder.AddStartup((system, _) =>
            {
                var cluster = Cluster.Get(system);
                cluster.Join(cluster.SelfAddress);
            })
            : builder;
    }

    private static AkkaConfigurationBuilder WithGuardedRemoting(AkkaConfigurationBuilder builder, ClusterOptions options)
    {
        builder
            .AddHocon(Guards, HoconAddMode.Prepend)
            .AddHocon(GuardedSerializers.Settings, HoconAddMode.Prepend)
            .WithRemoting(new RemoteOptions
            {
                HostName = options.HostName,
                PublicHostName = options.PublicHostName,
                Port = options.Port,
            });
        ClusterNewsActor.AddTo(builder, options.SplitBrainStableAfter);
        if (ClusterIdentity.Load(options) is not { } identity)
        {
            return builder;
        }

        CertificateWatchActor.AddTo(builder, identity.Expires);
        return builder.AddSetup(identity.Tls).AddHocon("akka.remote.dot-netty.tcp.enable-ssl = on", HoconAddMode.Prepend);
    }

    // What is left for a process that has a member's certificate: no actor is deployed, stopped or found by its path from outside, but
    // for what membership, replicated data and the two singletons look for on each other's nodes.
    private static string Guards => $$"""
        akka.remote {
          untrusted-mode = on
          trusted-selection-paths = [
            "/system/cluster/core/daemon"
            "/system/cluster/heartbeatReceiver"
            "/user/ddataReplicator"
            "/user/{{ModelRegistryHosting.SingletonName}}"
            "/user/{{ModelRegistryHosting.SingletonName}}/{{ModelRegistryHosting.SingletonName}}"
            "/user/{{TrainingSupervisorHosting.SingletonName}}"
            "/user/{{TrainingSupervisorHosting.SingletonName}}/{{TrainingSupervisorHosting.SingletonName}}"
          ]
        }
        """;

    // A proxy would warn at every start, before a singleton can be there, that it had found none for 30 s.
    // Akka's own 5 s for each phase are short for a node whose threads are busy with native work. The phases in which the
    // transport stops and drains are set where it is added.
    private static string Settings(ClusterOptions options) => $$"""
        akka.cluster {
          run-coordinated-shutdown-when-down = on
          down-removal-margin = {{Milliseconds(MovingMargin)}}
          seed-node-timeout = {{Milliseconds(options.SeedNodeTimeout)}}
          split-brain-resolver.stable-after = {{Milliseconds(options.SplitBrainStableAfter)}}
          singleton-proxy.log-singleton-identification-failure = off
          failure-detector.acceptable-heartbeat-pause = {{Milliseconds(options.AcceptableHeartbeatPause)}}
        }
        akka.coordinated-shutdown.phases {
          cluster-leave.timeout = 10s
          cluster-exiting.timeout = 10s
          cluster-exiting-done.timeout = 5s
          cluster-shutdown.timeout = 5s
        }
        """;

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) + "ms";
}
