using FerActors.Vision.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019) over one vector of weights.</summary>
/// <remarks>
/// TorchSharp's own optimiser works tensor by tensor; over the vector of <see cref="FlatParameters"/> a step is a few operations, and
/// its state is two vectors that a checkpoint can hold as they are. Neighbours that share their decay or their rate are updated in one
/// go, so that no vector of factors stands in memory (343 MB for ViT-B/16).
/// </remarks>
public sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Eps = 1e-8;

    // Bounds the temporary vector of a step: 64 MB.
    private const long LongestRun = 1 << 24;

    private readonly FlatParameters _parameters;
    private readonly List<Run> _decays;
    private readonly List<Run> _rates;

    /// <param name="parameters">The weights.</param>
    /// <param name="weightDecay">Applied to matrices and kernels; biases, norms, class token and position embeddings are spared.</param>
    /// <param name="rateFactor">What the learning rate of a tensor, given by its name, is multiplied by; 1 by default.</param>
    public AdamW(FlatParameters parameters, double weightDecay, Func<string, double>? rateFactor = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _parameters = parameters;
        FirstMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        double Rate(string name) => rateFactor?.Invoke(name) ?? 1;
        _rates = Runs((name, _) => Rate(name));
        _decays = [.. Runs((name, shape) => IsDecayed(name, shape) ? weightDecay * Rate(name) : 0).Where(r => r.Factor != 0)];
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
        FirstMoment.Scale(Beta1).Add(gradients, 1 - Beta1);
        using var fresh = (1 - Beta2).ToScalar();
        SecondMoment.Scale(Beta2).addcmul_(gradients, gradients, fresh);
        foreach (var run in _decays)
        {
            run.Of(_parameters.Values).Scale(1 - (learningRate * run.Factor));
        }

        foreach (var run in _rates)
        {
            using var passing = NewDisposeScope();
            using var stride = (-learningRate * run.Factor / (1 - Math.Pow(Beta1, step))).ToScalar();
            var denominator = run.Of(SecondMoment).Times(1 / (1 - Math.Pow(Beta2, step))).sqrt_().Add(Eps);
            run.Of(_parameters.Values).addcdiv_(run.Of(FirstMoment), denominator, stride);
        }
    }

    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    private static bool IsDecayed(string name, long[] shape) =>
        shape.Length >= 2
        && !name.EndsWith("cls_token", StringComparison.Ordinal)
        && !name.EndsWith("position_embeddings", StringComparison.Ordinal);

    private List<Run> Runs(Func<string, long[], double> factor)
    {
        var runs = new List<Run>();
        foreach (var (name, shape, offset, length) in _parameters.Layout)
        {
            var own = factor(name, shape);
            if (runs.Count > 0 && runs[^1].Factor.Equals(own))
            {
                runs[^1] = runs[^1] with { Length = runs[^1].Length + length };
            }
            else
            {
                runs.Add(new Run(own, offset, length));
            }
        }

        return [.. runs.SelectMany(run => run.Cut(LongestRun))];
    }

    /// <summary>Places of the vector that share a factor.</summary>
    private sealed record Run(double Factor, long Offset, long Length)
    {
        public Tensor Of(Tensor vector) => vector.narrow(0, Offset, Length);

        public IEnumerable<Run> Cut(long longest)
        {
            for (var done = 0L; done < Length; done += longest)
            {
                yield return this with { Offset = Offset + done, Length = Math.Min(longest, Length - done) };
            }
        }
    }
}
