using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>A network's tensors in the type in which one pass computes; a cast of a master weight is part of the graph, so its gradient arrives in fp32.</summary>
internal readonly struct WeightsInType(Dictionary<string, Tensor> tensors, ScalarType dtype)
{
    public ScalarType DType => dtype;

    public Tensor this[string name] => Cast(tensors[name]);

    /// <summary>The same tensors in another type.</summary>
    public WeightsInType In(ScalarType other) => new(tensors, other);

    public Tensor? Find(string name) => tensors.TryGetValue(name, out var tensor) ? Cast(tensor) : null;

    /// <summary>x times the transposed weight, plus the bias where there is one.</summary>
    /// <param name="prefix">What the names of both begin with.</param>
    /// <param name="x">[..., inputs].</param>
    public Tensor Linear(string prefix, Tensor x) => nn.functional.linear(x, this[prefix + "weight"], Find(prefix + "bias"));

    /// <summary>The layer norm over the last dimension.</summary>
    /// <param name="prefix">What the names of weight and bias begin with.</param>
    /// <param name="x">[..., width].</param>
    /// <param name="eps">Added to the variance.</param>
    public Tensor LayerNorm(string prefix, Tensor x, double eps) =>
        nn.functional.layer_norm(x, [x.shape[^1]], this[prefix + "weight"], this[prefix + "bias"], eps);

    private Tensor Cast(Tensor tensor) => tensor.dtype == dtype ? tensor : tensor.to(dtype);
}
