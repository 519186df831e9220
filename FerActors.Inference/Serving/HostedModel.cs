using FerActors.Inference.Engines;
using FerActors.Inference.Models;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Serving;

/// <summary>A model in the host's care: used by one thread at a time, and disposed once.</summary>
/// <remarks>
/// The lock is for the moment in which a shadow becomes champion: its last pass beside may still be under way when its first
/// batch begins. The counts belong to the host's actor.
/// </remarks>
internal sealed class HostedModel(long ticket, IExpressionModel model)
{
    private const double SumTolerance = 1e-3;
    private const int GoldenCrops = 8;

    private readonly Lock _gate = new();
    private bool _disposed;

    public long Ticket => ticket;

    public ModelIdentity Identity { get; } = model.Identity;

    public int InputSide { get; } = model.InputSide;

    public EngineReport? Engines { get; } = model.Engines;

    /// <summary>Passes that were started and have not ended.</summary>
    public int Passes { get; set; }

    /// <summary>To be disposed when no pass is left.</summary>
    public bool Retiring { get; set; }

    /// <summary>Classifies crops of any side.</summary>
    /// <param name="crops">At least one.</param>
    /// <param name="waiting">Faces that wait behind them.</param>
    /// <exception cref="ModelFailureException">What the model gave cannot be used.</exception>
    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops, int waiting = 0)
    {
        var fitting = CropFitter.Fit(crops, InputSide);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Check(model.Predict(fitting, waiting), crops.Count);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                model.Dispose();
            }
        }
    }

    /// <summary>The golden check: on crops that are the same every time the model must give finite probabilities that sum to 1.</summary>
    /// <exception cref="ModelFailureException">It does not.</exception>
    public void Try()
    {
        foreach (var prediction in Predict(PrecisionTrial.Probe(InputSide, GoldenCrops)))
        {
            if (prediction.Probabilities.Any(p => p is < 0 or > 1) || Math.Abs(prediction.Probabilities.Sum(p => (double)p) - 1) > SumTolerance)
            {
                throw new ModelFailureException("On the check crops the model gave probabilities that do not sum to 1.");
            }
        }
    }

    // What comes after relies on it: a model that breaks the contract fails its own batch and nothing else.
    private static IReadOnlyList<FacePrediction> Check(IReadOnlyList<FacePrediction> predictions, int crops)
    {
        if (predictions.Count != crops)
        {
            throw new ModelFailureException($"The model gave {predictions.Count} predictions for {crops} crops.");
        }

        return predictions.All(p => p.Probabilities.Length == ExpressionNames.Count && p.Probabilities.All(float.IsFinite))
            ? predictions
            : throw new ModelFailureException($"The model gave a prediction that is not {ExpressionNames.Count} finite probabilities.");
    }
}
