using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Host.Feedback;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Intake;
using FerActors.Inference.Drift;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;

namespace FerActors.Host.Observability;

/// <summary>Asks the node's actors now and then for what they count, and shows it as metrics. What does not answer in time is left out.</summary>
public sealed class StatisticsCollectorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(2);

    private readonly NodeMeter _meter = new();
    private readonly IReadOnlyActorRegistry _registry;
    private readonly TimeSpan _every;

    /// <param name="registry">Where the node's actors are found.</param>
    /// <param name="every">How often they are asked.</param>
    public StatisticsCollectorActor(IReadOnlyActorRegistry registry, TimeSpan every)
    {
        _registry = registry;
        _every = every;
        Receive<Due>(_ => CollectAsync(_registry).PipeTo(Self));
        Receive<NodeStatistics>(statistics =>
        {
            _meter.Show(statistics);
            Timers.StartSingleTimer(nameof(Due), Due.Instance, _every);
        });
        Receive<Status.Failure>(failure => throw new InvalidOperationException("The statistics could not be collected.", failure.Cause));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Self.Tell(Due.Instance);

    protected override void PostStop() => _meter.Dispose();

    private static async Task<NodeStatistics> CollectAsync(IReadOnlyActorRegistry registry)
    {
        var transport = AskAsync<RabbitTransport, TransportStatistics>(registry, GetTransportStatistics.Instance);
        var pipeline = AskAsync<ImageIngress, PipelineStatistics>(registry, GetPipelineStatistics.Instance);
        var batching = AskAsync<FaceBatcher, BatchingStatistics>(registry, GetBatchingStatistics.Instance);
        var models = AskAsync<ModelHost, ModelHostStatistics>(registry, GetModelHostStatistics.Instance);
        var serving = AskAsync<ModelHost, ServingModel>(registry, GetServingModel.Instance);
        var gateway = AskAsync<ImageGateway, GatewayStatus>(registry, GetGatewayStatus.Instance);
        var drift = AskAsync<DriftMonitor, DriftStatus>(registry, GetDriftStatus.Instance);
        var feedback = AskAsync<FeedbackIntake, FeedbackStatus>(registry, GetFeedbackStatus.Instance);
        var queues = AskAsync<ImageGateway, QueueDepths>(registry, GetQueueDepths.Instance);
        return new NodeStatistics(
            await transport.ConfigureAwait(false),
            await pipeline.ConfigureAwait(false),
            await batching.ConfigureAwait(false),
            await models.ConfigureAwait(false),
            await serving.ConfigureAwait(false),
            await gateway.ConfigureAwait(false),
            await drift.ConfigureAwait(false),
            await feedback.ConfigureAwait(false),
            (await queues.ConfigureAwait(false))?.Ready);
    }

    private static async Task<TAnswer?> AskAsync<TKey, TAnswer>(IReadOnlyActorRegistry registry, object question)
        where TAnswer : class
    {
        if (!registry.TryGet<TKey>(out var actor))
        {
            return null;
        }

        try
        {
            return await actor.Ask<TAnswer>(question, AskTimeout).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AskTimeoutException or OperationCanceledException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed class Due : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private Due()
        {
        }

        public static Due Instance { get; } = new();
    }
}

public static class StatisticsCollectorHosting
{
    /// <summary>Adds the collector; the actors that it asks may be added before or after it.</summary>
    public static AkkaConfigurationBuilder AddStatisticsCollector(this AkkaConfigurationBuilder builder, TimeSpan every) =>
        builder.WithActors((system, registry) => system.ActorOf(
            Props.Create(() => new StatisticsCollectorActor(registry, every)), "statistics-collector"));
}
