using System.CommandLine;
using Akka.Actor;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer host</c>: runs a node until it is told to stop.</summary>
internal static class HostCommand
{
    /// <summary>The cluster downed this node: whoever watches the process should start it again.</summary>
    public const int Downed = 3;

    private const string StoppedEarly = "fer: The node was told to stop before it had started, and has.";

    public static Command Create()
    {
        var command = new Command("host", "Runs a node with the roles of Cluster:Roles (all by default), until stopped. Exit code 3: the cluster downed it.");
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (OpenFiles.Shortage() is { } shortage)
            {
                throw new IOException(shortage);
            }

            IHost host;
            try
            {
                cancellation.ThrowIfCancellationRequested();
                var settings = configuration.Build(parsed);
                FreePorts.Check(FerConfiguration.Read(settings));
                host = FerNode.Build(settings, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync(StoppedEarly);
                return 0;
            }

            // A node writes nothing there, but Akka.Hosting the stack of a start that failed, whose reason the command says.
            Console.SetOut(TextWriter.Null);
            return await RunAsync(host, cancellation);
        });
        return command;
    }

    /// <summary>Runs the node and disposes it.</summary>
    /// <returns>The exit code.</returns>
    internal static async Task<int> RunAsync(IHost host, CancellationToken cancellation)
    {
        using (host)
        {
            var shutdown = CoordinatedShutdown.Get(host.Services.GetRequiredService<ActorSystem>());
            try
            {
                await host.StartAsync(cancellation);
                if (IsStopping())
                {
                    throw new OperationCanceledException(cancellation);
                }
            }
            catch (Exception) when (IsStopping())
            {
                // Whatever a part says that was interrupted while it started is of no interest.
                await StopAsync(host, shutdown);
                if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason)
                {
                    return Downed;
                }

                await Console.Error.WriteLineAsync(StoppedEarly);
                return 0;
            }

            await host.WaitForShutdownAsync(cancellation);
            return shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason ? Downed : 0;
        }

        bool IsStopping() =>
            cancellation.IsCancellationRequested
            || host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested;
    }

    private static async Task StopAsync(IHost host, CoordinatedShutdown shutdown)
    {
        try
        {
            await host.StopAsync();
        }
        catch (Exception)
        {
            // As above: a part that had not started cannot stop.
        }

        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
    }
}
