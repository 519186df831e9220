using System.CommandLine;
using Akka.Actor;
using FerActors.Host.Composition;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Commands;

/// <summary><c>fer host</c>: runs a node until it is told to stop.</summary>
internal static class HostCommand
{
    /// <summary>The cluster downed this node: whoever watches the process should start it again.</summary>
    public const int Downed = 3;

    public static Command Create()
    {
        var command = new Command("host", "Runs a node with the roles of Cluster:Roles (all by default), until stopped. Exit code 3: the cluster downed it.");
        var configuration = new ConfigurationArguments(command);
        command.SetAction((parsed, cancellation) => OpenFiles.Shortage() is { } shortage
            ? throw new IOException(shortage)
            : RunAsync(FerNode.Build(configuration.Build(parsed)), cancellation));
        return command;
    }

    /// <summary>Runs the node and disposes it.</summary>
    /// <returns>The exit code.</returns>
    internal static async Task<int> RunAsync(IHost host, CancellationToken cancellation)
    {
        using (host)
        {
            var shutdown = CoordinatedShutdown.Get(host.Services.GetRequiredService<ActorSystem>());
            await host.RunAsync(cancellation);
            return shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason ? Downed : 0;
        }
    }
}
