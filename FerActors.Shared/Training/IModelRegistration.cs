using FerActors.Shared.Registry;

namespace FerActors.Shared.Training;

/// <summary>Hands finished models to the registry.</summary>
public interface IModelRegistration
{
    /// <summary>Asks, before a run is accepted, whether its model can be registered under a version's name.</summary>
    /// <param name="version">The name.</param>
    /// <param name="cancellation">The supervisor stops.</param>
    /// <returns>Why not; <see langword="null"/> where the name is free. Not final where that is unknown.</returns>
    Task<RegistrationRefusal?> CheckNameAsync(ModelVersionId version, CancellationToken cancellation);

    /// <summary>Registers the model of a finished run; called again until it succeeds, so that a repetition must be harmless.</summary>
    /// <param name="run">Its <see cref="TrainingRun.ModelFolder"/> is set.</param>
    /// <param name="cancellation">The supervisor stops.</param>
    /// <returns>Why the registry did not take it; <see langword="null"/> where it has the model.</returns>
    Task<RegistrationRefusal?> RegisterAsync(TrainingRun run, CancellationToken cancellation);
}

/// <summary>Why the registry does not take a model.</summary>
/// <param name="Sentence">For people.</param>
/// <param name="IsFinal">It will not take the model later either, unless a person changes something.</param>
public sealed record RegistrationRefusal(string Sentence, bool IsFinal);
