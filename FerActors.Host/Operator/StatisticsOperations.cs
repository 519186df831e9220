using Akka.Actor;
using Akka.Cluster;
using FerActors.Host.Intake;
using FerActors.Inference.Drift;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;

namespace FerActors.Host.Operator;

/// <summary>Collects the counts of this node's parts, and what the registry knows of the others. Silent parts are left out.</summary>
internal sealed class StatisticsOperations(ActorSystem system, ActorQuestions actors, TimeSpan answerTimeout)
{
    private readonly ModelOperations _models = new(actors, answerTimeout, answerTimeout);

    public async Task<OperatorReply> ReadAsync()
    {
        // All at once: several silent parts cost one timeout.
        var pipeline = actors.TryAskAsync<ImageIngress, PipelineStatistics>(GetPipelineStatistics.Instance, answerTimeout);
        var batching = actors.TryAskAsync<FaceBatcher, BatchingStatistics>(GetBatchingStatistics.Instance, answerTimeout);
        var transport = actors.TryAskAsync<RabbitTransport, TransportStatistics>(GetTransportStatistics.Instance, answerTimeout);
        var models = actors.TryAskAsync<ModelHost, ModelHostStatistics>(GetModelHostStatistics.Instance, answerTimeout);
        var shadow = actors.TryAskAsync<ModelHost, ShadowReport>(GetShadowReport.Instance, answerTimeout);
        var drift = actors.TryAskAsync<DriftMonitor, DriftStatus>(GetDriftStatus.Instance, answerTimeout);
        var fleet = _models.TryReadFleetAsync();
        var node = Cluster.Get(system).SelfAddress.ToString();
        var view = new StatisticsView(
            node,
            await pipeline.ConfigureAwait(false),
            await batching.ConfigureAwait(false),
            await transport.ConfigureAwait(false),
            await models.ConfigureAwait(false),
            await shadow.ConfigureAwait(false),
            await drift.ConfigureAwait(false),
            await fleet.ConfigureAwait(false));
        return OperatorReply.Done($"Counts of {node} since it started.", view);
    }
}
