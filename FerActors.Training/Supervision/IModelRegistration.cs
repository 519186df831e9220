using FerActors.Shared.Training;

namespace FerActors.Training.Supervision;

/// <summary>Hands finished models to the registry.</summary>
public interface IModelRegistration
{
    /// <summary>Registers the model of a finished run; called again until it succeeds, so that a repetition must be harmless.</summary>
    /// <param name="run">Its <see cref="TrainingRun.ModelFolder"/> is set.</param>
    /// <param name="cancellation">The supervisor stops.</param>
    /// <returns>Why the registry did not take it, as a sentence; <see langword="null"/> where it has the model.</returns>
    Task<string?> RegisterAsync(TrainingRun run, CancellationToken cancellation);
}
