namespace FerActors.Shared.Registry;

/// <summary>What happened to the registry; its journal, one sequence number each.</summary>
public interface IRegistryEvent
{
    DateTimeOffset At { get; }
}

public static class RegistryEvents
{
    /// <summary>Also of a version that was deleted and is back with the same content.</summary>
    public sealed record Registered(ModelManifest Manifest, DateTimeOffset At) : IRegistryEvent;

    /// <param name="Version">The new champion.</param>
    /// <param name="Forced">It was promoted past gates.</param>
    /// <param name="Overridden">What those gates said.</param>
    /// <param name="At">When.</param>
    public sealed record Promoted(ModelVersionId Version, bool Forced, IReadOnlyList<string> Overridden, DateTimeOffset At) : IRegistryEvent;

    /// <param name="From">The champion that was.</param>
    /// <param name="To">The one before it, champion again.</param>
    /// <param name="Reason">Why; a sentence.</param>
    /// <param name="Automatic">The registry did it by itself.</param>
    /// <param name="At">When.</param>
    public sealed record RolledBack(ModelVersionId From, ModelVersionId To, string Reason, bool Automatic, DateTimeOffset At) : IRegistryEvent;

    public sealed record CanarySet(ModelVersionId Version, double Share, DateTimeOffset At) : IRegistryEvent;

    public sealed record ShadowSet(ModelVersionId Version, double Share, DateTimeOffset At) : IRegistryEvent;

    public sealed record CanaryEnded(ModelVersionId Version, string Reason, DateTimeOffset At) : IRegistryEvent;

    public sealed record ShadowEnded(ModelVersionId Version, string Reason, DateTimeOffset At) : IRegistryEvent;

    public sealed record Deleted(ModelVersionId Version, DateTimeOffset At) : IRegistryEvent;

    public sealed record Quarantined(ModelVersionId Version, string Reason, DateTimeOffset At) : IRegistryEvent;
}
