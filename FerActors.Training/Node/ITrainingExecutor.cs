using FerActors.Shared.Training;

namespace FerActors.Training.Node;

/// <summary>Carries out runs; called off the actors' threads.</summary>
public interface ITrainingExecutor
{
    /// <summary>Looks at a run before it is accepted, without touching a disk.</summary>
    /// <returns>All mistakes at once, each a sentence; empty where there is none.</returns>
    IReadOnlyList<string> Validate(RunSpec spec);

    /// <summary>Runs, or continues, until the model folder is written or until cancelled.</summary>
    /// <param name="spec">What to do.</param>
    /// <param name="attempt">Which attempt of the run this is, from 1.</param>
    /// <param name="listener">Told how it goes; from any thread.</param>
    /// <param name="cancellation">Stops with a checkpoint; a later attempt goes on from it.</param>
    /// <returns>The model folder.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    Task<string> RunAsync(RunSpec spec, int attempt, IRunListener listener, CancellationToken cancellation);
}

/// <summary>Hears how an attempt goes.</summary>
public interface IRunListener
{
    /// <param name="state"><see cref="RunState.Running"/> or <see cref="RunState.Evaluating"/>.</param>
    void Reached(RunState state);

    void Advanced(RunProgress progress);

    void Finished(EpochMetrics epoch);

    /// <summary>What a person who reads the node's log should know.</summary>
    void Say(string sentence);
}
