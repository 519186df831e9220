using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Host.Operator;

/// <summary>One thing that an operator asks of the cluster through some node; answered by one <see cref="OperatorReply"/>.</summary>
/// <remarks>In JSON the property <c>operation</c> says which. Names and addresses are texts here; the service checks them.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "operation")]
[JsonDerivedType(typeof(ClusterRequests.Show), "cluster.show")]
[JsonDerivedType(typeof(ClusterRequests.Leave), "cluster.leave")]
[JsonDerivedType(typeof(ClusterRequests.Down), "cluster.down")]
[JsonDerivedType(typeof(ClusterRequests.DownUnreachable), "cluster.down-unreachable")]
[JsonDerivedType(typeof(ModelRequests.List), "model.list")]
[JsonDerivedType(typeof(ModelRequests.Describe), "model.describe")]
[JsonDerivedType(typeof(ModelRequests.Status), "model.status")]
[JsonDerivedType(typeof(ModelRequests.Register), "model.register")]
[JsonDerivedType(typeof(ModelRequests.Verify), "model.verify")]
[JsonDerivedType(typeof(ModelRequests.Promote), "model.promote")]
[JsonDerivedType(typeof(ModelRequests.Rollback), "model.rollback")]
[JsonDerivedType(typeof(ModelRequests.Canary), "model.canary")]
[JsonDerivedType(typeof(ModelRequests.EndCanary), "model.end-canary")]
[JsonDerivedType(typeof(ModelRequests.Shadow), "model.shadow")]
[JsonDerivedType(typeof(ModelRequests.EndShadow), "model.end-shadow")]
[JsonDerivedType(typeof(ModelRequests.Quarantine), "model.quarantine")]
[JsonDerivedType(typeof(ModelRequests.Delete), "model.delete")]
[JsonDerivedType(typeof(TrainRequests.Submit), "train.submit")]
[JsonDerivedType(typeof(TrainRequests.List), "train.list")]
[JsonDerivedType(typeof(TrainRequests.Describe), "train.describe")]
[JsonDerivedType(typeof(TrainRequests.Cancel), "train.cancel")]
[JsonDerivedType(typeof(TrainRequests.Pause), "train.pause")]
[JsonDerivedType(typeof(TrainRequests.Resume), "train.resume")]
[JsonDerivedType(typeof(TrainRequests.Promote), "train.promote")]
[JsonDerivedType(typeof(TrainRequests.Delete), "train.delete")]
[JsonDerivedType(typeof(StatisticsRequest), "stats")]
public abstract record OperatorRequest;

/// <summary>A request that changes nothing.</summary>
public abstract record OperatorQuery : OperatorRequest;

/// <summary>Asks for the membership as this node sees it, or changes it.</summary>
/// <remarks>Addresses have the form <c>akka.tcp://FerActors@HOST:PORT</c> or <c>HOST:PORT</c>.</remarks>
public static class ClusterRequests
{
    public sealed record Show : OperatorQuery;

    /// <summary>Lets a member finish its work and go; the node that answers where no address is given.</summary>
    public sealed record Leave(string? Address = null) : OperatorRequest;

    /// <summary>Removes a member at once. A process that still runs there ends with exit code 3.</summary>
    public sealed record Down(string Address) : OperatorRequest;

    /// <summary>Removes every member that this node cannot reach.</summary>
    public sealed record DownUnreachable : OperatorRequest;
}

/// <summary>What is asked of the model registry; see <see cref="Shared.Registry.RegistryCommands"/> for what each one does.</summary>
public static class ModelRequests
{
    public sealed record List : OperatorQuery;

    public sealed record Describe(string Version) : OperatorQuery;

    /// <summary>What should serve, and how far each node is.</summary>
    public sealed record Status : OperatorQuery;

    /// <param name="Version">The new version's name.</param>
    /// <param name="Folder">The model folder as the registry's node sees it; an absolute path.</param>
    /// <param name="Parent">The version or checkpoint that it was fine-tuned from.</param>
    /// <param name="WeightsSha256">What the weights must hash to.</param>
    public sealed record Register(string Version, string Folder, string? Parent = null, string? WeightsSha256 = null) : OperatorRequest;

    public sealed record Verify(string Version) : OperatorQuery;

    public sealed record Promote(string Version, bool Force = false) : OperatorRequest;

    public sealed record Rollback(string Reason) : OperatorRequest;

    /// <param name="Version">The version.</param>
    /// <param name="Share">Above 0 and at most 1.</param>
    public sealed record Canary(string Version, double Share) : OperatorRequest;

    public sealed record EndCanary : OperatorRequest;

    /// <param name="Version">The version.</param>
    /// <param name="Share">Above 0 and at most 1.</param>
    public sealed record Shadow(string Version, double Share) : OperatorRequest;

    public sealed record EndShadow : OperatorRequest;

    public sealed record Quarantine(string Version, string Reason) : OperatorRequest;

    public sealed record Delete(string Version) : OperatorRequest;
}

/// <summary>What is asked of the training supervisor.</summary>
public static class TrainRequests
{
    /// <param name="Id">The run's id; the same submission again is accepted and changes nothing.</param>
    /// <param name="Name">For people.</param>
    /// <param name="Data">The data's path as every training node sees it.</param>
    /// <param name="ModelVersion">The version that the result is registered as.</param>
    /// <param name="Options">The training options that differ from the defaults; <see langword="null"/> for none.</param>
    /// <param name="InitFrom">Weights to begin with; <see langword="null"/> begins from random ones.</param>
    /// <param name="Priority">Higher ones run first.</param>
    public sealed record Submit(
        string Id,
        string Name,
        string Data,
        string ModelVersion,
        JsonElement? Options = null,
        string? InitFrom = null,
        int Priority = 0) : OperatorRequest;

    public sealed record List : OperatorQuery;

    public sealed record Describe(string Id) : OperatorQuery;

    public sealed record Cancel(string Id) : OperatorRequest;

    public sealed record Pause(string Id) : OperatorRequest;

    public sealed record Resume(string Id) : OperatorRequest;

    /// <summary>Promotes the version that a finished run was registered as.</summary>
    public sealed record Promote(string Id, bool Force = false) : OperatorRequest;

    public sealed record Delete(string Id) : OperatorRequest;
}

/// <summary>Counts of the node that answers, and what every inference node serves.</summary>
public sealed record StatisticsRequest : OperatorQuery;
