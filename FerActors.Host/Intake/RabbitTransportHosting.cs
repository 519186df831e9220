using System.Globalization;
using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Broker;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using Microsoft.Extensions.Options;

namespace FerActors.Host.Intake;

/// <summary>Adds the RabbitMQ transport to an actor system.</summary>
public static class RabbitTransportHosting
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    // Above the drain timeout: closing two connections after it, and the answer.
    private static readonly TimeSpan CloseAllowance = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Starts <see cref="RabbitTransportActor"/> under the key <see cref="RabbitTransport"/>. It consumes as soon as the actor
    /// with the key <see cref="ImageIngress"/> is registered, in whatever order the two are added. On shutdown it stops taking
    /// images in <c>service-unbind</c> and finishes those in flight in <c>service-requests-done</c>; the phases' timeouts are set
    /// here, and the host's own shutdown timeout must exceed <c>DrainTimeout</c> by 30 s.
    /// </summary>
    /// <param name="builder">The builder of the actor system.</param>
    /// <param name="options">The options; they are validated here.</param>
    /// <param name="node">This node's name in results; the machine's name by default.</param>
    /// <param name="connector">Opens connections; by default as the options say.</param>
    /// <param name="findIngress">Finds the actor that takes images, once it may; nothing is consumed before.</param>
    /// <exception cref="OptionsValidationException">The options have faults; the exception names all of them.</exception>
    public static AkkaConfigurationBuilder AddRabbitTransport(
        this AkkaConfigurationBuilder builder,
        RabbitMqOptions options,
        string? node = null,
        IRabbitConnector? connector = null,
        Func<ActorSystem, IActorRegistry, Task<IActorRef>>? findIngress = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        var validation = new RabbitMqOptionsValidator().Validate(Microsoft.Extensions.Options.Options.DefaultName, options);
        if (validation.Failed)
        {
            throw new OptionsValidationException(RabbitMqOptions.SectionName, typeof(RabbitMqOptions), validation.Failures);
        }

        return builder
            .AddHocon(ShutdownPhases(options), HoconAddMode.Prepend)
            .WithActors((system, registry) =>
            {
                var connect = connector ?? new RabbitConnector(options);
                var name = node ?? Environment.MachineName;
                Func<Task<IActorRef>> find = () => findIngress is null ? registry.GetAsync<ImageIngress>() : findIngress(system, registry);
                var transport = system.ActorOf(
                    Props.Create(() => new RabbitTransportActor(options, connect, find, name, TimeProvider.System)), "rabbit-transport");
                registry.Register<RabbitTransport>(transport);
                DrainOnShutdown(system, transport, options);
            });
    }

    private static string ShutdownPhases(RabbitMqOptions options)
    {
        var stop = Milliseconds(StopTimeout);
        var drain = Milliseconds(options.DrainTimeout + CloseAllowance);
        return $$"""
            akka.coordinated-shutdown.phases {
              service-unbind.timeout = {{stop}}
              service-requests-done.timeout = {{drain}}
            }
            """;
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) + "ms";

    private static void DrainOnShutdown(ActorSystem system, IActorRef transport, RabbitMqOptions options)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "rabbit-stop-intake", async () =>
        {
            await transport.Ask<IntakeStopped>(StopIntake.Instance, StopTimeout).ConfigureAwait(false);
            return Akka.Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, "rabbit-drain", async () =>
        {
            await transport.Ask<TransportDrained>(DrainTransport.Instance, options.DrainTimeout + CloseAllowance).ConfigureAwait(false);
            return Akka.Done.Instance;
        });
    }
}
