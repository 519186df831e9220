using System.Text.Json;
using FerActors.Vision.Safetensors;

namespace FerActors.Training.Tests.Hub;

/// <summary>Checkpoints in the forms that public ones have, with their names, at any width.</summary>
internal sealed record PublicForms(int Width, int Inner, int Layers, int Heads, int Side, int Patch)
{
    /// <summary>The order in which trpakov/vit-face-expression and others have the seven.</summary>
    public static readonly string[] Alphabetical = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

    public static PublicForms Small { get; } = new(24, 48, 2, 3, 32, 8);

    /// <summary>ViT-B/16.</summary>
    public static PublicForms Base { get; } = new(768, 3072, 12, 12, 224, 16);

    private int Tokens => ((Side / Patch) * (Side / Patch)) + 1;

    public string Preprocessor { get; } =
        """{"do_normalize":true,"do_resize":true,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5],"size":SIDE}""";

    /// <summary>config.json of google/vit-base-patch16-224-in21k (no labels), or of a fine-tuned one.</summary>
    public string Config(bool labels)
    {
        var config = new Dictionary<string, object?>
        {
            ["_name_or_path"] = "google/vit-base-patch16-224-in21k",
            ["architectures"] = new[] { labels ? "ViTForImageClassification" : "ViTModel" },
            ["attention_probs_dropout_prob"] = 0.0,
            ["hidden_act"] = "gelu",
            ["hidden_dropout_prob"] = 0.0,
            ["hidden_size"] = Width,
            ["image_size"] = Side,
            ["initializer_range"] = 0.02,
            ["intermediate_size"] = Inner,
            ["layer_norm_eps"] = 1e-12,
            ["model_type"] = "vit",
            ["num_attention_heads"] = Heads,
            ["num_channels"] = 3,
            ["num_hidden_layers"] = Layers,
            ["patch_size"] = Patch,
        };
        if (labels)
        {
            config["id2label"] = Alphabetical.Select((label, i) => (i, label)).ToDictionary(e => $"{e.i}", e => e.label);
            config["label2id"] = Alphabetical.Select((label, i) => (i, label)).ToDictionary(e => e.label, e => e.i);
        }

        return JsonSerializer.Serialize(config);
    }

    public string PreprocessorJson => Preprocessor.Replace("SIDE", $"{Side}", StringComparison.Ordinal);

    /// <summary>The tensors: with the prefix and the classifier, or bare with the pooler as in21k has them.</summary>
    public IEnumerable<(string Name, long[] Shape)> Tensors(bool classifier)
    {
        var prefix = classifier ? "vit." : "";
        long d = Width, f = Inner;
        yield return ($"{prefix}embeddings.cls_token", [1, 1, d]);
        yield return ($"{prefix}embeddings.position_embeddings", [1, Tokens, d]);
        yield return ($"{prefix}embeddings.patch_embeddings.projection.weight", [d, 3, Patch, Patch]);
        yield return ($"{prefix}embeddings.patch_embeddings.projection.bias", [d]);
        for (var i = 0; i < Layers; i++)
        {
            (string Module, long Out, long In)[] modules =
            [
                ("attention.attention.query", d, d), ("attention.attention.key", d, d), ("attention.attention.value", d, d),
                ("attention.output.dense", d, d), ("intermediate.dense", f, d), ("output.dense", d, f),
            ];
            foreach (var (module, rows, columns) in modules)
            {
                yield return ($"{prefix}encoder.layer.{i}.{module}.weight", [rows, columns]);
                yield return ($"{prefix}encoder.layer.{i}.{module}.bias", [rows]);
            }

            foreach (var norm in new[] { "layernorm_before", "layernorm_after" })
            {
                yield return ($"{prefix}encoder.layer.{i}.{norm}.weight", [d]);
                yield return ($"{prefix}encoder.layer.{i}.{norm}.bias", [d]);
            }
        }

        yield return ($"{prefix}layernorm.weight", [d]);
        yield return ($"{prefix}layernorm.bias", [d]);
        var (head, rowsOut) = classifier ? ("classifier", 7L) : ("pooler.dense", d);
        yield return ($"{head}.weight", [rowsOut, d]);
        yield return ($"{head}.bias", [rowsOut]);
    }

    /// <summary>The bytes of model.safetensors, filled with small noise.</summary>
    public void Write(Stream target, bool classifier)
    {
        var random = new Random(11);
        var tensors = Tensors(classifier).Select(tensor =>
        {
            var values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (random.NextSingle() - 0.5f) / 10;
            }

            return TensorData.FromFloat32(tensor.Name, tensor.Shape, values);
        }).ToList();
        SafetensorsWriter.Write(target, tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    public byte[] Weights(bool classifier)
    {
        using var target = new MemoryStream();
        Write(target, classifier);
        return target.ToArray();
    }
}
