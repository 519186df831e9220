using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Feedback;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Health;

/// <summary>What the roles of a node must have before it is ready. Each asks the actor that knows and gives a sentence.</summary>
internal static class RoleChecks
{
    /// <summary>The model that should serve does, or the node knows that none was promoted.</summary>
    public static Task<HealthCheckResult> ModelAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<ModelHost, ModelHostStatus>(registry, SubscribeModelStatus.Instance, "the model host", status =>
        {
            var champion = status.Slots.FirstOrDefault(slot => slot is { Slot: ModelSlot.Champion, Phase: ModelPhase.Serving });
            return status.MayServe
                ? HealthCheckResult.Healthy($"serves {champion?.Version}")
                : HealthCheckResult.Unhealthy("does not serve yet what should serve, or has not heard what that is");
        }, options.AnswerTimeout, cancellation);

    /// <summary>Images can arrive, results can leave, and both do where some wait.</summary>
    public static Task<HealthCheckResult> TransportAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<RabbitTransport, TransportStatistics>(
            registry,
            GetTransportStatistics.Instance,
            "the transport",
            transport => ProgressVerdicts.Ready(transport, options),
            options.AnswerTimeout,
            cancellation);

    /// <summary>The transport does not stand still by a fault that a restart may cure.</summary>
    public static Task<HealthCheckResult> TransportLivesAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        LivesAsync<RabbitTransport, TransportStatistics>(
            registry, GetTransportStatistics.Instance, transport => ProgressVerdicts.Lives(transport, options), options, cancellation);

    /// <summary>The model ends its forward passes.</summary>
    public static Task<HealthCheckResult> PassesAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<FaceBatcher, BatchingStatistics>(
            registry,
            GetBatchingStatistics.Instance,
            "the batches",
            batching => ProgressVerdicts.Moves("the forward pass of the model", batching.RunningFor, options.StalledAfter),
            options.AnswerTimeout,
            cancellation);

    /// <summary>No forward pass hangs for good.</summary>
    public static Task<HealthCheckResult> PassesLiveAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        LivesAsync<FaceBatcher, BatchingStatistics>(
            registry,
            GetBatchingStatistics.Instance,
            batching => ProgressVerdicts.Moves("the forward pass of the model", batching.RunningFor, options.DeadAfter),
            options,
            cancellation);

    /// <summary>Feedback that has come is stored.</summary>
    public static Task<HealthCheckResult> FeedbackAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<FeedbackIntake, FeedbackStatus>(
            registry,
            GetFeedbackStatus.Instance,
            "the feedback intake",
            feedback => feedback.Consuming
                ? ProgressVerdicts.Moves("feedback", feedback.Standstill, options.StalledAfter)
                : HealthCheckResult.Degraded("takes no feedback: there is no session with the broker"),
            options.AnswerTimeout,
            cancellation);

    /// <summary>The API's way to the broker. Only what an operator must mend makes the node not ready: without the broker it answers 503 itself.</summary>
    public static Task<HealthCheckResult> GatewayAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<ImageGateway, GatewayStatus>(
            registry, GetGatewayStatus.Instance, "the gateway", ProgressVerdicts.Gateway, options.AnswerTimeout, cancellation);

    /// <summary>The model registry, on whatever node it runs, has read its journal.</summary>
    public static Task<HealthCheckResult> RegistryAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<ModelRegistry, object>(
            registry, RegistryQueries.GetStatus.Instance, "the model registry", reply => reply switch
            {
                RegistryStatus status => HealthCheckResult.Healthy($"answers, at event {status.Sequence}"),
                RegistryReply refusal => HealthCheckResult.Unhealthy(refusal.Message),
                _ => HealthCheckResult.Unhealthy("answers what was not asked"),
            }, options.AnswerTimeout, cancellation);

    /// <summary>The training supervisor, on whatever node it runs, has read its journal.</summary>
    public static Task<HealthCheckResult> SupervisorAsync(ActorRegistry registry, HealthOptions options, CancellationToken cancellation) =>
        AskAsync<TrainingSupervisor, RunList>(
            registry,
            new TrainingQueries.List(long.MaxValue),
            "the training supervisor",
            _ => HealthCheckResult.Healthy("answers"),
            options.AnswerTimeout,
            cancellation);

    // Whether an actor exists and answers is not the question here: only what it says can make the node not live.
    private static async Task<HealthCheckResult> LivesAsync<TKey, TReply>(
        ActorRegistry registry, object question, Func<TReply, HealthCheckResult> judge, HealthOptions options, CancellationToken cancellation)
    {
        if (!registry.TryGet<TKey>(out var actor))
        {
            return HealthCheckResult.Healthy("has not started");
        }

        try
        {
            return judge(await actor.Ask<TReply>(question, options.AnswerTimeout, cancellation).ConfigureAwait(false));
        }
        catch (AskTimeoutException)
        {
            return HealthCheckResult.Healthy("did not answer in time");
        }
    }

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
