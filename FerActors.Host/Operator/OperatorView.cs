using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Host.Intake;
using FerActors.Inference.Drift;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Host.Operator;

/// <summary>What a reply shows beside its sentence. In JSON the property <c>kind</c> says which.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ClusterView), "cluster")]
[JsonDerivedType(typeof(ModelsView), "models")]
[JsonDerivedType(typeof(ModelView), "model")]
[JsonDerivedType(typeof(ChangeView), "change")]
[JsonDerivedType(typeof(FleetView), "fleet")]
[JsonDerivedType(typeof(RunsView), "runs")]
[JsonDerivedType(typeof(RunDetailsView), "run")]
[JsonDerivedType(typeof(StatisticsView), "statistics")]
public abstract record OperatorView;

/// <param name="Self">Address of the node that answers; the view is its own.</param>
/// <param name="Leader">The leader's address; <see langword="null"/> while there is none.</param>
/// <param name="Members">In the order of their age.</param>
public sealed record ClusterView(string Self, string? Leader, IReadOnlyList<MemberView> Members) : OperatorView;

/// <param name="Address">Akka address.</param>
/// <param name="Status">Joining, WeaklyUp, Up, Leaving, Exiting or Down.</param>
/// <param name="Reachable">It answers heartbeats.</param>
/// <param name="Roles">Its roles.</param>
public sealed record MemberView(string Address, string Status, bool Reachable, IReadOnlyList<string> Roles);

/// <param name="Sequence">The registry's sequence number.</param>
/// <param name="Models">In the order of their registration.</param>
public sealed record ModelsView(long Sequence, IReadOnlyList<ModelSummary> Models) : OperatorView;

/// <param name="Version">The version.</param>
/// <param name="Aliases">Of <c>champion</c>, <c>challenger</c>, <c>previous</c>, those that name it.</param>
/// <param name="Accuracy">From 0 to 1; <see langword="null"/> where it was not evaluated.</param>
/// <param name="MacroF1">Likewise.</param>
/// <param name="MsPerFace">Milliseconds of one face; <see langword="null"/> where not measured.</param>
/// <param name="Bytes">Of its files.</param>
/// <param name="RegisteredAt">When it was registered, the last time.</param>
/// <param name="PromotedAt">When it was last promoted.</param>
/// <param name="Quarantine">Why it may never serve again.</param>
/// <param name="CanaryShare">Share of the images that it answers as the canary.</param>
/// <param name="ShadowShare">Share of the images on which it is compared as the shadow.</param>
public sealed record ModelSummary(
    string Version,
    IReadOnlyList<string> Aliases,
    double? Accuracy,
    double? MacroF1,
    double? MsPerFace,
    long Bytes,
    DateTimeOffset RegisteredAt,
    DateTimeOffset? PromotedAt,
    string? Quarantine,
    double? CanaryShare = null,
    double? ShadowShare = null);

/// <param name="Model">The version.</param>
/// <param name="Recalls">Recall by label.</param>
/// <param name="Evaluation">What was looked at and how.</param>
/// <param name="Provenance">Where it comes from.</param>
/// <param name="Forced">What the gates said that its last promotion overrode.</param>
/// <param name="Files">SHA-256 by file name.</param>
public sealed record ModelView(
    ModelSummary Model,
    IReadOnlyDictionary<string, double> Recalls,
    string? Evaluation,
    ModelProvenance Provenance,
    IReadOnlyList<string> Forced,
    IReadOnlyDictionary<string, string> Files) : OperatorView;

/// <summary>What the registry says beside its sentence about a change.</summary>
/// <param name="Sequence">Its sequence number afterwards.</param>
/// <param name="Gates">Every gate that refused, also where it was overridden.</param>
public sealed record ChangeView(long Sequence, IReadOnlyList<GateRefusal> Gates) : OperatorView;

/// <summary>What should serve, and what each inference node does.</summary>
/// <param name="Sequence">The registry's sequence number.</param>
/// <param name="DesiredSequence">That of the last event that changed what should serve.</param>
/// <param name="Champion">The version that answers; <see langword="null"/> before the first promotion.</param>
/// <param name="Canary">The version that answers a share.</param>
/// <param name="CanaryShare">That share.</param>
/// <param name="Shadow">The version that is compared.</param>
/// <param name="ShadowShare">Share of the images that it sees.</param>
/// <param name="Previous">What a rollback would return to.</param>
/// <param name="Announced">A majority of the nodes has been told.</param>
/// <param name="Converged">Every live inference node serves what it should.</param>
/// <param name="Alarm">What needs a person.</param>
/// <param name="LastRollback">Reason of the last rollback.</param>
/// <param name="LastRollbackAt">Its time.</param>
/// <param name="Nodes">The live inference nodes.</param>
public sealed record FleetView(
    long Sequence,
    long DesiredSequence,
    string? Champion,
    string? Canary,
    double? CanaryShare,
    string? Shadow,
    double? ShadowShare,
    string? Previous,
    bool Announced,
    bool Converged,
    string? Alarm,
    string? LastRollback,
    DateTimeOffset? LastRollbackAt,
    IReadOnlyList<NodeProgress> Nodes) : OperatorView;

/// <param name="Runs">In the order of their submission.</param>
public sealed record RunsView(IReadOnlyList<RunSummary> Runs) : OperatorView;

/// <param name="Id">The run.</param>
/// <param name="Name">For people.</param>
/// <param name="State">Submitted, Preparing, Running, Evaluating, Paused, Registered, Failed or Cancelled.</param>
/// <param name="Wish">What its worker was asked to stop for; None most often.</param>
/// <param name="Priority">Higher ones run first.</param>
/// <param name="ModelVersion">The version that the result is registered as.</param>
/// <param name="Node">The node that carries it out.</param>
/// <param name="Attempt">Assignments to a node so far.</param>
/// <param name="SubmittedAt">When it came.</param>
/// <param name="ChangedAt">Begin of the state.</param>
/// <param name="Confirmed">The registry has its model.</param>
/// <param name="Failure">Why it failed.</param>
/// <param name="ModelFolder">The finished model.</param>
/// <param name="LastEpoch">The last finished epoch.</param>
/// <param name="Progress">Where the worker stands.</param>
/// <param name="Refusal">Why the registry has not taken the finished model.</param>
/// <param name="RefusalIsFinal">The registry will never take it; otherwise the model is offered again.</param>
public sealed record RunSummary(
    string Id,
    string Name,
    RunState State,
    StopWish Wish,
    int Priority,
    string ModelVersion,
    string? Node,
    int Attempt,
    DateTimeOffset SubmittedAt,
    DateTimeOffset ChangedAt,
    bool Confirmed,
    string? Failure,
    string? ModelFolder,
    EpochMetrics? LastEpoch,
    RunProgress? Progress,
    string? Refusal = null,
    bool RefusalIsFinal = false)
{
    /// <summary>Nothing further will happen to it by itself.</summary>
    [JsonIgnore]
    public bool IsFinal => State is RunState.Failed or RunState.Cancelled || (State == RunState.Registered && (Confirmed || RefusalIsFinal));
}

/// <param name="Run">The run.</param>
/// <param name="Data">Path of its data.</param>
/// <param name="InitFrom">The weights that it began with.</param>
/// <param name="Options">Its training options.</param>
public sealed record RunDetailsView(RunSummary Run, string? Data, string? InitFrom, JsonElement? Options) : OperatorView;

/// <summary>Counts since the start of the node that answers; <see langword="null"/> for parts that it does not have.</summary>
public sealed record StatisticsView(
    string Node,
    PipelineStatistics? Pipeline,
    BatchingStatistics? Batching,
    TransportStatistics? Transport,
    ModelHostStatistics? Models,
    ShadowReport? Shadow,
    DriftStatus? Drift,
    FleetView? Fleet) : OperatorView;
