using System.Globalization;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.DistributedData;
using Akka.Hosting;
using Akka.Remote.Hosting;
using FerActors.Shared.Wire;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Composition;

/// <summary>Makes an actor system a member of the cluster.</summary>
public static class ClusterComposition
{
    /// <summary>What leaving the cluster takes at most, beyond the draining of a node's work.</summary>
    public static TimeSpan LeaveAllowance { get; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Adds remoting, membership with the roles and seeds of the options, split-brain resolution, distributed data and the wire
    /// protocol. A node that the cluster downs shuts itself down. A node that is alone joins itself.
    /// </summary>
    /// <param name="builder">The builder of the actor system.</param>
    /// <param name="options">Validated options.</param>
    public static AkkaConfigurationBuilder WithFerCluster(this AkkaConfigurationBuilder builder, ClusterOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        builder
            .AddHocon(Settings(options), HoconAddMode.Prepend)
            .WithRemoting(new RemoteOptions
            {
                HostName = options.HostName,
                PublicHostName = options.PublicHostName,
                Port = options.Port,
            })
            .WithClustering(new Akka.Cluster.Hosting.ClusterOptions
            {
                Roles = [.. options.EffectiveRoles],
                SeedNodes = [.. options.SeedNodes],
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

    // A proxy would warn at every start, before a singleton can be there, that it had found none for 30 s.
    // Akka's own 5 s for each phase are short for a node whose threads are busy with native work. The phases in which the
    // transport stops and drains are set where it is added.
    private static string Settings(ClusterOptions options) => $$"""
        akka.cluster {
          run-coordinated-shutdown-when-down = on
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
