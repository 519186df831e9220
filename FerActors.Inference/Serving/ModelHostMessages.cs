using Akka.Actor;
using FerActors.Inference.Engines;
using FerActors.Shared.Protocol;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>Key of the model host in the actor registry.</summary>
public sealed class ModelHost;

/// <summary>Asks the model host what its champion is: answered by <see cref="ServingModel"/>.</summary>
public sealed record GetServingModel : INoSerializationVerificationNeeded
{
    private GetServingModel()
    {
    }

    public static GetServingModel Instance { get; } = new();
}

/// <param name="Model">What it serves.</param>
/// <param name="InputSide">Side of the crops that it takes without resizing, in pixels.</param>
public sealed record ServingModel(ModelIdentity Model, int InputSide) : INoSerializationVerificationNeeded;

/// <summary>Tells the model host what to serve; one that is not newer than what it knows changes nothing.</summary>
public sealed record SetDesiredModels(DesiredModels Desired) : INoSerializationVerificationNeeded;

/// <summary>Asks for a <see cref="ModelHostStatus"/> now and at every change.</summary>
public sealed record SubscribeModelStatus : INoSerializationVerificationNeeded
{
    private SubscribeModelStatus()
    {
    }

    public static SubscribeModelStatus Instance { get; } = new();
}

/// <param name="DesiredSequence">The desired state that it acts on.</param>
/// <param name="MayServe">It serves a promoted version, or knows that there is none: the node may take images.</param>
/// <param name="Slots">One for each model that it holds or was asked to hold.</param>
public sealed record ModelHostStatus(long DesiredSequence, bool MayServe, IReadOnlyList<ModelSlotStatus> Slots) : INoSerializationVerificationNeeded;

/// <summary>Asks for one <see cref="ModelMayServe"/>, as soon as <see cref="ModelHostStatus.MayServe"/> is true.</summary>
public sealed record AwaitMayServe : INoSerializationVerificationNeeded
{
    private AwaitMayServe()
    {
    }

    public static AwaitMayServe Instance { get; } = new();
}

public sealed record ModelMayServe : INoSerializationVerificationNeeded
{
    private ModelMayServe()
    {
    }

    public static ModelMayServe Instance { get; } = new();
}

/// <summary>Asks for a <see cref="TrafficSplit"/> now and at every change.</summary>
public sealed record SubscribeTraffic : INoSerializationVerificationNeeded
{
    private SubscribeTraffic()
    {
    }

    public static SubscribeTraffic Instance { get; } = new();
}

/// <param name="CanaryShare">Share of the messages whose faces the canary answers, from 0 (there is none) to 1.</param>
/// <param name="Batches">Batches that may run at once: the instances in service.</param>
public sealed record TrafficSplit(double CanaryShare, int Batches = 1) : INoSerializationVerificationNeeded;

/// <summary>Published on the event stream: a host has (re)started, knows of no subscriber and of nothing desired.</summary>
public sealed record ModelHostStarted(IActorRef Host) : INoSerializationVerificationNeeded;

/// <summary>Asks for the <see cref="ShadowReport"/>; the answer is <see cref="ShadowReport.None"/> where no shadow has been compared.</summary>
public sealed record GetShadowReport : INoSerializationVerificationNeeded
{
    private GetShadowReport()
    {
    }

    public static GetShadowReport Instance { get; } = new();
}

/// <summary>How far a shadow agrees with the champion. The counts begin anew when either is another version.</summary>
/// <param name="Champion">The champion's version.</param>
/// <param name="Shadow">The shadow's version.</param>
/// <param name="Faces">Faces that both classified.</param>
/// <param name="Agreed">Faces of which both found the same expression the most probable.</param>
/// <param name="MeanDistance">Mean total variation distance between their probabilities, from 0 (equal) to 1.</param>
/// <param name="Dropped">Faces passed over because the shadow was busy.</param>
/// <param name="Failures">Passes that the shadow failed.</param>
/// <param name="Labels">Faces by the champion's expression (row) and the shadow's (column), in FER2013 order.</param>
public sealed record ShadowReport(
    string Champion,
    string Shadow,
    long Faces,
    long Agreed,
    double MeanDistance,
    long Dropped,
    long Failures,
    IReadOnlyList<IReadOnlyList<long>> Labels) : INoSerializationVerificationNeeded
{
    public static ShadowReport None { get; } = new("", "", 0, 0, 0, 0, 0, []);
}

/// <summary>Asks for the <see cref="ModelHostStatistics"/>.</summary>
public sealed record GetModelHostStatistics : INoSerializationVerificationNeeded
{
    private GetModelHostStatistics()
    {
    }

    public static GetModelHostStatistics Instance { get; } = new();
}

/// <summary>Counts and times since the start.</summary>
/// <param name="Swaps">How often another champion began to serve.</param>
/// <param name="Passes">Passes for answers.</param>
/// <param name="CanaryPasses">Those of the canary among them.</param>
/// <param name="CanaryFailures">Canary passes that failed; the champion answered instead.</param>
/// <param name="ResizedPasses">Passes whose crops had another side than the model's.</param>
/// <param name="LongestSwapGapMs">
/// Longest time that a batch waited between the end of a champion's last pass and the beginning of its successor's first.
/// </param>
/// <param name="LongestOtherGapMs">Longest time that a batch waited between two passes with no swap between them, to compare with.</param>
/// <param name="LongestIdleMs">Longest time between two passes in which no batch was there.</param>
/// <param name="Loads">Versions loaded.</param>
/// <param name="FailedLoads">Versions that could not be.</param>
/// <param name="LastLoadMs">How long the last load took, from verification to the check crops.</param>
/// <param name="LongestLoadMs">The longest.</param>
/// <param name="HeldModels">Models in memory, those that wait for their last pass included.</param>
public sealed record ModelHostStatistics(
    long Swaps,
    long Passes,
    long CanaryPasses,
    long CanaryFailures,
    long ResizedPasses,
    double LongestSwapGapMs,
    double LongestOtherGapMs,
    double LongestIdleMs,
    long Loads,
    long FailedLoads,
    double LastLoadMs,
    double LongestLoadMs,
    int HeldModels) : INoSerializationVerificationNeeded
{
    /// <summary>The instances of the pool.</summary>
    public IReadOnlyList<InstanceStatus> Instances { get; init; } = [];

    /// <summary>What computes the champion's forward passes, for each class of batch sizes; empty where the model does not say.</summary>
    public IReadOnlyList<EngineClass> Engines { get; init; } = [];
}
