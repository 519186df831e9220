namespace FerActors.Shared.Registry;

/// <summary>Key of the model registry's proxy in the actor registry.</summary>
public sealed class ModelRegistry;

/// <summary>Changes the registry; answered with one <see cref="RegistryReply"/> after the change is in the journal.</summary>
public interface IRegistryCommand
{
    ModelVersionId? Version { get; }
}

/// <summary>What an operator or the training supervisor asks of the registry.</summary>
public static class RegistryCommands
{
    /// <summary>Takes a folder in Hugging Face's layout in as an immutable version.</summary>
    /// <param name="Version">Its name. The same name with the same content is no error, with other content it is refused.</param>
    /// <param name="SourceFolder">The folder as the registry's node sees it; it is copied.</param>
    /// <param name="Provenance">Where it comes from.</param>
    /// <param name="WeightsSha256">What the weights must hash to; <see langword="null"/> takes them as they are.</param>
    public sealed record Register(ModelVersionId Version, string SourceFolder, ModelProvenance Provenance, string? WeightsSha256 = null) : IRegistryCommand;

    /// <summary>Makes a version the champion, if the gates let it pass.</summary>
    /// <param name="Version">The version.</param>
    /// <param name="Force">Promotes past gates that refuse; which ones is recorded. Never past a quarantine.</param>
    public sealed record Promote(ModelVersionId Version, bool Force = false) : IRegistryCommand;

    /// <summary>Makes the previous champion the champion again.</summary>
    public sealed record Rollback(string Reason) : IRegistryCommand
    {
        ModelVersionId? IRegistryCommand.Version => null;
    }

    /// <summary>Lets a version, the challenger, answer a share of the images, above 0 and at most 1.</summary>
    public sealed record SetCanary(ModelVersionId Version, double Share) : IRegistryCommand;

    /// <summary>Lets a version, the challenger, see a share of the images, above 0 and at most 1, without answering.</summary>
    public sealed record SetShadow(ModelVersionId Version, double Share) : IRegistryCommand;

    public sealed record EndCanary : IRegistryCommand
    {
        private EndCanary()
        {
        }

        public static EndCanary Instance { get; } = new();

        ModelVersionId? IRegistryCommand.Version => null;
    }

    public sealed record EndShadow : IRegistryCommand
    {
        private EndShadow()
        {
        }

        public static EndShadow Instance { get; } = new();

        ModelVersionId? IRegistryCommand.Version => null;
    }

    /// <summary>Removes a version and its files; refused while an alias names it. Its name stays bound to its content.</summary>
    public sealed record Delete(ModelVersionId Version) : IRegistryCommand;

    /// <summary>Bars a version from promotion for ever; refused for the champion. A challenger's traffic ends.</summary>
    public sealed record Quarantine(ModelVersionId Version, string Reason) : IRegistryCommand;
}

/// <summary>What the registry's own parts ask of its state; these never cross nodes.</summary>
internal static class RegistryFindings
{
    /// <summary>The store has taken a version in.</summary>
    public sealed record Admit(ModelManifest Manifest) : IRegistryCommand
    {
        public ModelVersionId Version => Manifest.Version;
    }

    /// <summary>Too many nodes failed on the models of <paramref name="DesiredSequence"/>.</summary>
    public sealed record ChampionFailed(long DesiredSequence, string Reason) : IRegistryCommand
    {
        ModelVersionId? IRegistryCommand.Version => null;
    }

    /// <inheritdoc cref="ChampionFailed"/>
    public sealed record ChallengerFailed(long DesiredSequence, string Reason) : IRegistryCommand
    {
        ModelVersionId? IRegistryCommand.Version => null;
    }
}
