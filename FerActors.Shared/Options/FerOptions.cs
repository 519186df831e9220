using System.ComponentModel.DataAnnotations;
using FerActors.Shared.Cluster;

namespace FerActors.Shared.Options;

/// <summary>All sections that decide how a node works, and one check over them.</summary>
public sealed class FerOptions
{
    public RabbitMqOptions RabbitMq { get; init; } = new();

    public ImageLimitsOptions Images { get; init; } = new();

    public DetectionOptions Detection { get; init; } = new();

    public PipelineOptions Pipeline { get; init; } = new();

    public BatchingOptions Batching { get; init; } = new();

    public ModelOptions Model { get; init; } = new();

    public DriftOptions Drift { get; init; } = new();

    public FeedbackOptions Feedback { get; init; } = new();

    public RetentionOptions Retention { get; init; } = new();

    public ClusterOptions Cluster { get; init; } = new();

    public ApiOptions Api { get; init; } = new();

    public SeqOptions Seq { get; init; } = new();

    public TelemetryOptions Telemetry { get; init; } = new();

    public RegistryOptions Registry { get; init; } = new();

    public PersistenceOptions Persistence { get; init; } = new();

    public TrainingServiceOptions Training { get; init; } = new();

    public ControlOptions Control { get; init; } = new();

    public HealthOptions Health { get; init; } = new();

    public LoggingOptions Logging { get; init; } = new();

    /// <summary>All mistakes of all sections at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var broker = new RabbitMqOptionsValidator().Validate(null, RabbitMq);
        List<string> errors =
        [
            .. broker.Failures ?? [],
            .. Annotated(ImageLimitsOptions.Section, Images),
            .. Annotated(DetectionOptions.Section, Detection),
            .. Pipeline.Validate(),
            .. Batching.Validate(),
            .. Model.Validate(),
            .. Drift.Validate(),
            .. Feedback.Validate(),
            .. Retention.Validate(),
            .. Cluster.Validate(),
            .. Api.Validate(),
            .. Telemetry.Validate(),
            .. Seq.Validate(),
            .. Registry.Validate(),
            .. Persistence.Validate(),
            .. Training.Validate(),
            .. Control.Validate(),
            .. Health.Validate(),
            .. Logging.Validate(),
        ];
        if (RabbitMq.MaxBodyBytes < Images.MaxBytes)
        {
            errors.Add($"RabbitMq:MaxBodyBytes ({RabbitMq.MaxBodyBytes}) is below Images:MaxBytes ({Images.MaxBytes}); larger images would never arrive.");
        }

        // A singleton that moves to another node must find its journal there. It never moves where one node alone may host it: the only
        // seed, whose members are all of its own machine.
        if (!Cluster.Alone
            && (Cluster.Has(NodeRoles.Control) || Cluster.Has(NodeRoles.Training))
            && Persistence.Provider == PersistenceProvider.Sqlite
            && !Cluster.IsOnlyLocalSeed)
        {
            errors.Add(
                "Persistence:Provider is 'Sqlite'; where Cluster:Alone is false it must be PostgreSql, which all nodes can reach, except on "
                + "the only seed of a cluster on loopback. Other nodes there need none with --set Cluster:Roles=inference,api.");
        }

        return errors;
    }

    private static IEnumerable<string> Annotated(string section, object options)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return results.Select(r => $"{section}: {r.ErrorMessage}");
    }
}
