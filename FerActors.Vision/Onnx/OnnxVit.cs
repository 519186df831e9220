using System.Globalization;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Vision.Onnx;

/// <summary>
/// Writes a model as ONNX the way PyTorch's exporter would: the group norms of the stem through InstanceNormalization, GELU through Erf,
/// attention as products of matrices. Input <c>pixels</c> [batch, channels, side, side]; outputs: logits [batch, labels], and the
/// embedding [batch, hidden], the class token after the last norm.
/// </summary>
internal sealed class OnnxVit
{
    /// <summary>The input's name.</summary>
    public const string Input = "pixels";

    private readonly OnnxWriter _graph = new();
    private readonly VitConfig _config;
    private readonly IReadOnlyDictionary<string, Tensor> _weights;

    private OnnxVit(Vit model) => (_config, _weights) = (model.Config, model.Tensors);

    /// <summary>The ONNX file's bytes, weights in fp32.</summary>
    public static byte[] Export(Vit model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new OnnxVit(model).Write();
    }

    private byte[] Write()
    {
        var side = _config.ImageSize;
        var x = Embed(Input);
        for (var layer = 0; layer < _config.NumHiddenLayers; layer++)
        {
            x = Block(string.Create(CultureInfo.InvariantCulture, $"vit.encoder.layer.{layer}."), x);
        }

        x = _graph.Node("Squeeze", [_graph.Node("Slice", [x, _graph.Constant(0), _graph.Constant(1), _graph.Constant(1)]), _graph.Constant(1)]);
        var embedding = Norm(CheckpointKeys.LayerNorm, x);
        var logits = Linear(CheckpointKeys.Classifier, embedding);
        return _graph.Model(
            (Input, [-1, _config.NumChannels, side, side]), (logits, [-1, _config.Labels.Count]), (embedding, [-1, _config.HiddenSize]));
    }

    private string Embed(string x)
    {
        var unchanged = x;
        foreach (var conv in _config.ConvStem?.Convolutions(_config.NumChannels) ?? [])
        {
            string Named(bool norm, string name) => CheckpointKeys.InStem(conv.Stage, conv.Place, norm, name);
            unchanged = conv.OpensBranch ? x : unchanged;
            x = _graph.Node("Conv", [x, Weight(Named(norm: false, "weight")), Weight(Named(norm: false, "bias"))], ("pads", Longs(1, 1, 1, 1)), ("strides", Longs(conv.Stride, conv.Stride)));
            x = _config.ConvStem!.Norm == StemNorm.None ? x : GroupNorm(Named(norm: true, "weight"), Named(norm: true, "bias"), x);
            x = _graph.Node("Relu", [conv.ClosesBranch ? _graph.Node("Add", [x, unchanged]) : x]);
        }

        var patch = _config.ConvStem is null ? _config.PatchSize : 1;
        var width = _config.HiddenSize;
        x = _graph.Node("Conv", [x, Weight(CheckpointKeys.ProjectionWeight), Weight(CheckpointKeys.ProjectionBias)], ("strides", Longs(patch, patch)));
        x = _graph.Node("Reshape", [x, _graph.Constant(0, width, -1)]);
        x = _graph.Node("Transpose", [x], ("perm", Longs(0, 2, 1)));
        var batch = _graph.Node("Gather", [_graph.Node("Shape", [x]), _graph.Constant(0)]);
        var shape = _graph.Node("Concat", [batch, _graph.Constant(1, width)], ("axis", 0));
        var cls = _graph.Node("Expand", [Weight(CheckpointKeys.ClsToken), shape]);
        return _graph.Node("Add", [_graph.Node("Concat", [cls, x], ("axis", 1)), Weight(CheckpointKeys.Positions)]);
    }

    private string GroupNorm(string weight, string bias, string x)
    {
        var channels = _weights[weight].shape[0];
        var (ones, zeros) = (_graph.Constant([.. Enumerable.Repeat(1f, Vit.StemNormGroups)], Vit.StemNormGroups), _graph.Constant(new float[Vit.StemNormGroups], Vit.StemNormGroups));
        var grouped = _graph.Node("Reshape", [x, _graph.Constant(0, Vit.StemNormGroups, -1)]);
        var normed = _graph.Node("InstanceNormalization", [grouped, ones, zeros], ("epsilon", (float)Vit.StemNormEps));
        x = _graph.Node("Reshape", [normed, _graph.Node("Shape", [x])]);
        x = _graph.Node("Mul", [x, Weight(weight, channels, 1, 1)]);
        return _graph.Node("Add", [x, Weight(bias, channels, 1, 1)]);
    }

    private string Block(string prefix, string x)
    {
        x = _graph.Node("Add", [x, Attention(prefix, Norm(prefix + "layernorm_before.", x))]);
        var y = Linear(prefix + "intermediate.dense.", Norm(prefix + "layernorm_after.", x));
        return _graph.Node("Add", [x, Linear(prefix + "output.dense.", Activation(y))]);
    }

    private string Attention(string prefix, string x)
    {
        var heads = _config.NumAttentionHeads;
        var each = _config.HiddenSize / heads;
        string Heads(string name, params long[] perm) => _graph.Node(
            "Transpose",
            [_graph.Node("Reshape", [Linear($"{prefix}attention.attention.{name}.", x), _graph.Constant(0, 0, heads, each)])],
            ("perm", perm));

        var scores = _graph.Node("MatMul", [Heads("query", 0, 2, 1, 3), Heads("key", 0, 2, 3, 1)]);
        var context = _graph.Node("MatMul", [_graph.Node("Softmax", [Times(scores, 1 / Math.Sqrt(each))], ("axis", -1)), Heads("value", 0, 2, 1, 3)]);
        context = _graph.Node("Transpose", [context], ("perm", Longs(0, 2, 1, 3)));
        return Linear(prefix + "attention.output.dense.", _graph.Node("Reshape", [context, _graph.Constant(0, 0, _config.HiddenSize)]));
    }

    private string Activation(string x)
    {
        if (_config.HiddenAct == HiddenActivation.Relu)
        {
            return _graph.Node("Relu", [x]);
        }

        var bend = _config.HiddenAct == HiddenActivation.GeluTanh ? Tanh(x) : _graph.Node("Erf", [Times(x, 1 / Math.Sqrt(2))]);
        return Times(_graph.Node("Mul", [x, _graph.Node("Add", [bend, _graph.Constant([1f])])]), 0.5);
    }

    // The approximation of Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016): tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
    private string Tanh(string x)
    {
        var cube = _graph.Node("Mul", [x, _graph.Node("Mul", [x, x])]);
        return _graph.Node("Tanh", [Times(_graph.Node("Add", [x, Times(cube, 0.044715)]), Math.Sqrt(2 / Math.PI))]);
    }

    private string Times(string x, double factor) => _graph.Node("Mul", [x, _graph.Constant([(float)factor])]);

    private string Norm(string prefix, string x) => _graph.Node(
        "LayerNormalization", [x, Weight(prefix + "weight"), Weight(prefix + "bias")], ("axis", -1), ("epsilon", (float)_config.LayerNormEps));

    private string Linear(string prefix, string x)
    {
        using var turned = _weights[prefix + "weight"].detach().t();
        x = _graph.Node("MatMul", [x, _graph.Constant(Values(turned), turned.shape)]);
        return _weights.ContainsKey(prefix + "bias") ? _graph.Node("Add", [x, Weight(prefix + "bias")]) : x;
    }

    private string Weight(string name, params long[] shape) =>
        _graph.Constant(Values(_weights[name]), shape.Length > 0 ? shape : _weights[name].shape);

    private static float[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
    }

    private static long[] Longs(params long[] values) => values;
}
