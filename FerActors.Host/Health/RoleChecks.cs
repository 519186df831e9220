using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Messaging;
using FerActors.Inference.Models;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Training.Supervision;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Health;

/// <summary>What the roles of a node must have before it is ready. Each asks the actor that knows and gives a sentence.</summary>
internal static class RoleChecks
{
    /// <summary>The model that should serve does, or the node knows that none was promoted.</summary>
    public static Task<HealthCheckResult> ModelAsync(ActorRegistry registry, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync<ModelHost, ModelHostStatus>(registry, SubscribeModelStatus.Instance, "the model host", status =>
        {
            var champion = status.Slots.FirstOrDefault(slot => slot is { Slot: ModelSlot.Champion, Phase: ModelPhase.Serving });
            return status.MayServe
                ? HealthCheckResult.Healthy($"serves {champion?.Version}")
                : HealthCheckResult.Unhealthy("does not serve yet what should serve, or has not heard what that is");
        }, timeout, cancellation);

    /// <summary>Images can arrive and results can leave.</summary>
    public static Task<HealthCheckResult> TransportAsync(ActorRegistry registry, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync<RabbitTransport, TransportStatistics>(
            registry, GetTransportStatistics.Instance, "the transport", transport => transport switch
            {
                { Mode: IntakeMode.Draining } => HealthCheckResult.Unhealthy("takes no more images, since the node stops"),
                { ConsumerConnected: false } => HealthCheckResult.Unhealthy("consumes no images: there is no session with the broker"),
                { PublisherConnected: false } => HealthCheckResult.Unhealthy("cannot publish results: there is no session with the broker"),
                { PublisherBlocked: true } => HealthCheckResult.Healthy("is connected; the broker has an alarm and takes no results for now"),
                _ => HealthCheckResult.Healthy("consumes and publishes"),
            }, timeout, cancellation);

    /// <summary>The model registry, on whatever node it runs, has read its journal.</summary>
    public static Task<HealthCheckResult> RegistryAsync(ActorRegistry registry, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync<ModelRegistry, object>(
            registry, RegistryQueries.GetStatus.Instance, "the model registry", reply => reply switch
            {
                RegistryStatus status => HealthCheckResult.Healthy($"answers, at event {status.Sequence}"),
                RegistryReply refusal => HealthCheckResult.Unhealthy(refusal.Message),
                _ => HealthCheckResult.Unhealthy("answers what was not asked"),
            }, timeout, cancellation);

    /// <summary>The training supervisor, on whatever node it runs, has read its journal.</summary>
    public static Task<HealthCheckResult> SupervisorAsync(ActorRegistry registry, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync<TrainingSupervisor, RunList>(
            registry,
            new TrainingQueries.List(long.MaxValue),
            "the training supervisor",
            _ => HealthCheckResult.Healthy("answers"),
            timeout,
            cancellation);

    private static async Task<HealthCheckResult> AskAsync<TKey, TReply>(
        ActorRegistry registry,
        object question,
        string who,
        Func<TReply, HealthCheckResult> judge,
        TimeSpan timeout,
        CancellationToken cancellation)
    {
        if (!registry.TryGet<TKey>(out var actor))
        {
            return HealthCheckResult.Unhealthy($"{who} has not started");
        }

        try
        {
            return judge(await actor.Ask<TReply>(question, timeout, cancellation).ConfigureAwait(false));
        }
        catch (AskTimeoutException)
        {
            return HealthCheckResult.Unhealthy($"{who} did not answer within {timeout.TotalSeconds:0.#} s");
        }
    }
}
