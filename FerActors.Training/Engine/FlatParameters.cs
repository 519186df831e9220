using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>
/// All trainable fp32 weights of a model in one contiguous vector, of which the model's tensors are views. Frozen ones stand
/// beside it: they have no place in the vector, in the optimiser or in the graph of the backward pass.
/// </summary>
/// <remarks>
/// The optimiser, the moving average, gradient clipping and the checkpoint each become a handful of operations on one vector
/// instead of a handful for each of some hundred tensors, and the checkpoint is the state itself rather than a translation of it.
/// </remarks>
public sealed class FlatParameters : IDisposable
{
    private readonly List<(string Name, Tensor Leaf, long Offset, long Length)> _leaves = [];
    private readonly Dictionary<string, Tensor> _frozen = [];

    /// <param name="initial">
    /// Remains the caller's. Trainable weights are copied; frozen ones, which nobody writes, share its memory, which lives on when
    /// it is disposed.
    /// </param>
    /// <param name="isFrozen">Says by its name whether a tensor is frozen; none is by default.</param>
    /// <exception cref="ArgumentException">All tensors are frozen.</exception>
    public FlatParameters(Vit initial, Func<string, bool>? isFrozen = null)
    {
        ArgumentNullException.ThrowIfNull(initial);
        using var noGrad = no_grad();
        var frozen = initial.Tensors.Keys.Where(name => isFrozen?.Invoke(name) == true).ToHashSet();
        var total = initial.Tensors.Where(t => !frozen.Contains(t.Key)).Sum(t => t.Value.numel());
        if (total == 0)
        {
            throw new ArgumentException("All weights are frozen; there is nothing to train.", nameof(isFrozen));
        }

        Values = zeros([total], ScalarType.Float32, initial.Device).DetachFromDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        var offset = 0L;

        // A sorted order makes the vector's layout a function of the configuration alone.
        foreach (var (name, tensor) in initial.Tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            if (frozen.Contains(name))
            {
                _frozen[name] = tensors[name] = tensor.detach().DetachFromDisposeScope();
                continue;
            }

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

    /// <summary>The trainable tensors in the vector's order: name, shape, first place and length.</summary>
    public IEnumerable<(string Name, long[] Shape, long Offset, long Length)> Layout =>
        _leaves.Select(l => (l.Name, l.Leaf.shape, l.Offset, l.Length));

    /// <summary>The trainable weights, fp32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>The model over them; its tensors are leaves that collect gradients.</summary>
    public Vit Model { get; }

    public VitConfig Config => Model.Config;

    public long Count => Values.numel();

    /// <summary>The gradients of all weights, fp32 [n]; those of the leaves are released. Weights that got none count as zero.</summary>
    public Tensor TakeGradients()
    {
        using var noGrad = no_grad();
        var flat = zeros([Count], ScalarType.Float32, Values.device);
        foreach (var (_, leaf, offset, length) in _leaves)
        {
            if (leaf.grad is not { } gradient)
            {
                continue;
            }

            using (gradient)
            using (var place = flat.narrow(0, offset, length))
            using (var values = gradient.reshape(-1))
            {
                place.copy_(values);

                // Released one by one: at no time do both forms of all gradients stand in memory.
                leaf.grad = null;
            }
        }

        return flat;
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

    /// <summary>
    /// A model with its own copy of other values in the same layout, for example of the moving average. Frozen fp32 weights are
    /// shared.
    /// </summary>
    public Vit CopyWith(Tensor values, ScalarType dtype)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tensors = _leaves.ToDictionary(
            l => l.Name,
            l => values.narrow(0, l.Offset, l.Length).view(l.Leaf.shape).to(dtype, copy: true).DetachFromDisposeScope());
        foreach (var (name, tensor) in _frozen)
        {
            tensors[name] = (tensor.dtype == dtype ? tensor.detach() : tensor.to(dtype)).DetachFromDisposeScope();
        }

        return Vit.FromTensors(Config, tensors);
    }

    public void Dispose()
    {
        Model.Dispose();
        Values.Dispose();
    }
}
