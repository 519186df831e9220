using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>What a run makes small.</summary>
/// <remarks>
/// (1 - alpha) x cross-entropy of the (smoothed, mixed) labels, each class's term times its weight, + alpha x T² x cross-entropy of the
/// teachers' probabilities at temperature T. T² keeps the share of the teachers' gradients whatever T is (Hinton et al. 2015).
/// </remarks>
internal sealed class TrainingLoss : IDisposable
{
    private readonly Tensor? _weights;
    private readonly DistillationOptions _distillation;

    /// <param name="classWeights">7 weights, or <see langword="null"/> for equal ones.</param>
    /// <param name="distillation">Share of the teachers and temperature; of account where there are soft targets.</param>
    /// <param name="device">Where the model is.</param>
    public TrainingLoss(float[]? classWeights, DistillationOptions distillation, Device device)
    {
        _weights = classWeights is null ? null : tensor(classWeights, device: device).DetachFromDisposeScope();
        _distillation = distillation;
    }

    /// <summary>The mean loss of some images.</summary>
    /// <param name="logits">fp32 [batch, 7].</param>
    /// <param name="targets">fp32 [batch, 7]; each row sums to 1.</param>
    /// <param name="teachers">The teachers' softened probabilities, fp32 [batch, 7]; <see langword="null"/> without teachers.</param>
    public Tensor Of(Tensor logits, Tensor targets, Tensor? teachers)
    {
        var loss = CrossEntropy(_weights is null ? targets : targets * _weights, logits);
        if (teachers is null)
        {
            return loss;
        }

        var (alpha, temperature) = (_distillation.Alpha, _distillation.Temperature);
        return loss.Times(1 - alpha).Plus(CrossEntropy(teachers, logits.Times(1 / temperature)).Times(alpha * temperature * temperature));
    }

    public void Dispose() => _weights?.Dispose();

    private static Tensor CrossEntropy(Tensor targets, Tensor logits) => -(targets * logits.log_softmax(1)).sum(1).mean();
}
