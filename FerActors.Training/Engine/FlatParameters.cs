using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>
/// All trainable fp32 weights of a model in one contiguous vector, of which the model's tensors are views.
/// </summary>
/// <remarks>
/// The optimiser, the moving average, gradient clipping and the checkpoint each become a handful of operations on one vector
/// instead of a handful for each of some hundred tensors, and the checkpoint is the state itself rather than a translation of it.
/// </remarks>
public sealed class FlatParameters : IDisposable
{
    private readonly List<(string Name, Tensor Leaf, long Offset, long Length)> _leaves = [];

    /// <param name="initial">Copied; remains the caller's.</param>
    public FlatParameters(Vit initial)
    {
        ArgumentNullException.ThrowIfNull(initial);
        using var noGrad = no_grad();
        var total = initial.Tensors.Values.Sum(t => t.numel());
        Values = zeros([total], ScalarType.Float32, initial.Device).DetachFromDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        var offset = 0L;

        // A sorted order makes the vector's layout a function of the configuration alone.
        foreach (var (name, tensor) in initial.Tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            var length = tensor.numel();
            using var scope = NewDisposeScope();
            var view = Values.narrow(0, offset, length).view(tensor.shape);
            view.copy_(tensor);
            var leaf = view.detach().requires_grad_(true).DetachFromDisposeScope();
            tensors[name] = leaf;
            _leaves.Add((name, leaf, offset, length));
            offset += length;
        }

        Model = Vit.FromTensors(initial.Config, tensors);
    }

    /// <summary>The weights, fp32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>The model over them; its tensors are leaves that collect gradients.</summary>
    public Vit Model { get; }

    public VitConfig Config => Model.Config;

    public long Count => Values.numel();

    /// <summary>The gradients of all weights, fp32 [n]; those of the leaves are released. Weights that got none count as zero.</summary>
    public Tensor TakeGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var parts = _leaves.Select(l => l.Leaf.grad is { } g ? g.flatten() : zeros([l.Length], ScalarType.Float32, Values.device)).ToList();
        var flat = cat(parts);
        foreach (var (_, leaf, _, _) in _leaves)
        {
            // One vector is kept for the next step instead of a hundred small ones; the leaf's own gradient starts anew.
            leaf.grad = null;
        }

        return flat.MoveToOuterDisposeScope();
    }

    /// <summary>A vector with one value for each weight, chosen by the weight's name and shape, fp32 [n].</summary>
    public Tensor ByTensor(Func<string, long[], float> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        using var noGrad = no_grad();
        var vector = zeros([Count], ScalarType.Float32, Values.device);
        foreach (var (name, leaf, offset, length) in _leaves)
        {
            using var part = vector.narrow(0, offset, length);
            part.fill_(value(name, leaf.shape));
        }

        return vector;
    }

    /// <summary>A model with its own copy of other values in the same layout, for example of the moving average.</summary>
    public Vit CopyWith(Tensor values, ScalarType dtype)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tensors = _leaves.ToDictionary(
            l => l.Name,
            l => values.narrow(0, l.Offset, l.Length).view(l.Leaf.shape).to(dtype, copy: true).DetachFromDisposeScope());
        return Vit.FromTensors(Config, tensors);
    }

    public void Dispose()
    {
        Model.Dispose();
        Values.Dispose();
    }
}
