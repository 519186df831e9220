using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Health;
using FerActors.Host.Intake;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;

namespace FerActors.Host.Tests.Health;

/// <summary>A node that serves, behind a real broker.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ServingHealthSpecs(BrokerNode broker)
{
    [SkippableFact]
    public async Task A_node_is_ready_while_it_serves_and_consumes_and_no_longer_when_it_drains()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var node = await HealthClient.StartAsync(
        [
            "Cluster:Roles:0=inference",
            .. queues.Settings,
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
        ]);

        await node.BecomesReadyAsync();
        var transport = node.Node.Services.GetRequiredService<ActorRegistry>().Get<RabbitTransport>();
        await transport.Ask<IntakeStopped>(StopIntake.Instance);
        var faults = await node.AwaitAsync(HealthServer.ReadyPath, (_, faults) => faults.Count > 0);

        Assert.Equal(["transport"], faults.Keys);
    }
}
