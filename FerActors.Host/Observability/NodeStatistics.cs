using FerActors.Host.Feedback;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Intake;
using FerActors.Inference.Drift;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;

namespace FerActors.Host.Observability;

/// <summary>What a node's actors said when they were last asked; absent is what the node does not have, or what did not answer.</summary>
/// <param name="Transport">Consumer and publisher.</param>
/// <param name="Pipeline">The pipeline's entrance.</param>
/// <param name="Batching">The batches.</param>
/// <param name="Models">Counts of the model host.</param>
/// <param name="Serving">The champion.</param>
/// <param name="Gateway">The API's way to the broker.</param>
/// <param name="Drift">The drift monitor.</param>
/// <param name="Feedback">The feedback intake.</param>
/// <param name="Queues">Messages ready in the broker's queues, by name.</param>
internal sealed record NodeStatistics(
    TransportStatistics? Transport,
    PipelineStatistics? Pipeline,
    BatchingStatistics? Batching,
    ModelHostStatistics? Models,
    ServingModel? Serving,
    GatewayStatus? Gateway,
    DriftStatus? Drift,
    FeedbackStatus? Feedback,
    IReadOnlyDictionary<string, long>? Queues)
{
    public static NodeStatistics None { get; } = new(null, null, null, null, null, null, null, null, null);
}
