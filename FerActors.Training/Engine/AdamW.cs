using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019) over one vector of weights.</summary>
/// <remarks>
/// TorchSharp's own optimiser works tensor by tensor; over the vector of <see cref="FlatParameters"/> a step is nine operations,
/// and its state is two vectors that a checkpoint can hold as they are.
/// </remarks>
public sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Eps = 1e-8;

    private readonly FlatParameters _parameters;
    private readonly Tensor _decay;

    /// <param name="parameters">The weights.</param>
    /// <param name="weightDecay">Applied to matrices and kernels; biases, norms, class token and position embeddings are spared.</param>
    public AdamW(FlatParameters parameters, double weightDecay)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _parameters = parameters;
        FirstMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        _decay = parameters.ByTensor((name, shape) => IsDecayed(name, shape) ? (float)weightDecay : 0f).DetachFromDisposeScope();
    }

    /// <summary>Moving mean of the gradients, fp32 [n].</summary>
    public Tensor FirstMoment { get; }

    /// <summary>Moving mean of the squared gradients, fp32 [n].</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Updates the weights.</summary>
    /// <param name="gradients">fp32 [n].</param>
    /// <param name="step">Number of this step, from 1.</param>
    /// <param name="learningRate">The rate of this step.</param>
    public void Step(Tensor gradients, long step, double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        FirstMoment.mul_(Beta1).add_(gradients, 1 - Beta1);
        SecondMoment.mul_(Beta2).addcmul_(gradients, gradients, 1 - Beta2);
        var denominator = (SecondMoment / (1 - Math.Pow(Beta2, step))).sqrt_().add_(Eps);
        _parameters.Values.addcmul_(_parameters.Values, _decay, -learningRate);
        _parameters.Values.addcdiv_(FirstMoment, denominator, -learningRate / (1 - Math.Pow(Beta1, step)));
    }

    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
        _decay.Dispose();
    }

    private static bool IsDecayed(string name, long[] shape) =>
        shape.Length >= 2
        && !name.EndsWith("cls_token", StringComparison.Ordinal)
        && !name.EndsWith("position_embeddings", StringComparison.Ordinal);
}
