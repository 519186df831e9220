using System.CommandLine;
using FerActors.Host.Composition;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Commands;

/// <summary><c>fer host</c>: runs a node until it is told to stop.</summary>
internal static class HostCommand
{
    public static Command Create()
    {
        var command = new Command("host", "Runs an inference node: consumes images from RabbitMQ and publishes results, until stopped.");
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var host = FerNode.Build(configuration.Build(parsed));
            await host.RunAsync(cancellation);
            return 0;
        });
        return command;
    }
}
