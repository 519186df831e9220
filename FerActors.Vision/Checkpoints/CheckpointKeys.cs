using System.Globalization;
using FerActors.Vision.Configuration;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Checkpoints;

/// <summary>
/// Knows the names under which the parameters of a Vision Transformer lie in files, and maps them all to one: the names that Hugging
/// Face's transformers wrote before version 5 ("legacy"), which are also the ones that we write.
/// </summary>
/// <remarks>
/// Understood are the legacy names, those of transformers 5, both with or without the prefix <c>vit.</c> (without: a bare
/// <c>ViTModel</c>), and timm's. In timm's files query, key and value are one tensor, whose rows are cut into three.
/// </remarks>
public static class CheckpointKeys
{
    public const string ClsToken = Embeddings + "cls_token";
    public const string Positions = Embeddings + "position_embeddings";
    public const string ProjectionWeight = PatchPrefix + "projection.weight";
    public const string ProjectionBias = PatchPrefix + "projection.bias";
    public const string LayerNormWeight = LayerNorm + "weight";
    public const string LayerNormBias = LayerNorm + "bias";
    public const string ClassifierWeight = Classifier + "weight";
    public const string ClassifierBias = Classifier + "bias";

    /// <summary>What the names of the last norm's parameters begin with.</summary>
    public const string LayerNorm = BackbonePrefix + "layernorm.";

    /// <summary>What the names of the classifier's parameters begin with.</summary>
    public const string Classifier = "classifier.";

    /// <summary>What the names of all that stands before the first layer begin with.</summary>
    public const string Embeddings = BackbonePrefix + "embeddings.";

    private const string BackbonePrefix = "vit.";
    private const string PatchPrefix = Embeddings + "patch_embeddings.";
    private const string LayerPrefix = "vit.encoder.layer.";

    private static readonly string[] LegacyModules =
    [
        "attention.attention.query",
        "attention.attention.key",
        "attention.attention.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
        "layernorm_before",
        "layernorm_after",
    ];

    // Names within a block, without .weight and .bias, and what they are called in legacy files.
    private static readonly Dictionary<string, string[]> BlockModules = LegacyModules
        .Select(module => (Name: module, Legacy: new[] { module }))
        .Concat(
        [
            ("attention.q_proj", ["attention.attention.query"]),
            ("attention.k_proj", ["attention.attention.key"]),
            ("attention.v_proj", ["attention.attention.value"]),
            ("attention.o_proj", ["attention.output.dense"]),
            ("mlp.fc1", ["intermediate.dense"]),
            ("mlp.fc2", ["output.dense"]),
        ])
        .ToDictionary(entry => entry.Name, entry => entry.Legacy, StringComparer.Ordinal);

    private static readonly Dictionary<string, string[]> TimmBlockModules = new(StringComparer.Ordinal)
    {
        ["norm1"] = ["layernorm_before"],
        ["norm2"] = ["layernorm_after"],
        ["attn.qkv"] = ["attention.attention.query", "attention.attention.key", "attention.attention.value"],
        ["attn.proj"] = ["attention.output.dense"],
        ["mlp.fc1"] = ["intermediate.dense"],
        ["mlp.fc2"] = ["output.dense"],
    };

    private static readonly Dictionary<string, string> TimmNames = new(StringComparer.Ordinal)
    {
        ["cls_token"] = ClsToken,
        ["pos_embed"] = Positions,
        ["patch_embed.proj.weight"] = ProjectionWeight,
        ["patch_embed.proj.bias"] = ProjectionBias,
        ["norm.weight"] = LayerNormWeight,
        ["norm.bias"] = LayerNormBias,
        ["head.weight"] = ClassifierWeight,
        ["head.bias"] = ClassifierBias,
    };

    private static readonly string[] BackboneParts = ["embeddings.", "encoder.", "layers.", "layernorm.", "pooler."];

    /// <summary>The classifier's two names.</summary>
    public static IReadOnlyList<string> ClassifierNames { get; } = [ClassifierWeight, ClassifierBias];

    /// <summary>Legacy name of a parameter of block <paramref name="layer"/>.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="name">For example <c>attention.attention.query.weight</c>.</param>
    public static string InLayer(int layer, string name) => string.Create(CultureInfo.InvariantCulture, $"{LayerPrefix}{layer}.{name}");

    /// <summary>Legacy name of a parameter of the convolutional stem.</summary>
    /// <param name="stage">From 0.</param>
    /// <param name="conv">Within the stage, from 0.</param>
    /// <param name="norm">Whether the norm behind the convolution is meant.</param>
    /// <param name="name"><c>weight</c> or <c>bias</c>, or a buffer of the norm.</param>
    public static string InStem(int stage, int conv, bool norm, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"{PatchPrefix}stem.{stage}.{conv}{(norm ? "_norm" : "")}.{name}");

    /// <summary>The legacy names and shapes of all parameters, the classifier's among them. 200 for ViT-B/16.</summary>
    /// <remarks>Buffers of a stem's norm (running statistics) are no parameters and are not listed.</remarks>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public static IReadOnlyDictionary<string, long[]> ExpectedShapes(VitConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.EnsureValid();
        long width = config.HiddenSize;
        long inner = config.IntermediateSize;
        var shapes = new Dictionary<string, long[]>(StringComparer.Ordinal)
        {
            [ClsToken] = [1, 1, width],
            [Positions] = [1, config.SequenceLength, width],
        };
        AddPatchShapes(shapes, config);
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            foreach (var module in LegacyModules)
            {
                long[] weight = module switch
                {
                    "intermediate.dense" => [inner, width],
                    "output.dense" => [width, inner],
                    "layernorm_before" or "layernorm_after" => [width],
                    _ => [width, width],
                };
                shapes.Add(InLayer(layer, $"{module}.weight"), weight);
                if (config.QkvBias || !module.StartsWith("attention.attention.", StringComparison.Ordinal))
                {
                    shapes.Add(InLayer(layer, $"{module}.bias"), [weight[0]]);
                }
            }
        }

        shapes.Add(LayerNormWeight, [width]);
        shapes.Add(LayerNormBias, [width]);
        shapes.Add(ClassifierWeight, [config.NumLabels, width]);
        shapes.Add(ClassifierBias, [config.NumLabels]);
        return shapes;
    }

    /// <summary>Finds the network's parameters among the names of a file.</summary>
    /// <param name="names">The names in the file.</param>
    /// <param name="config">The network.</param>
    /// <returns>
    /// The map, complete or not: <see cref="CheckpointKeyMap.EnsureComplete"/> tells. With a convolutional stem, names below
    /// <c>vit.embeddings.patch_embeddings.</c> that are no parameters (buffers) are passed through as they are.
    /// </returns>
    /// <exception cref="CheckpointException">Two names mean the same parameter.</exception>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public static CheckpointKeyMap Map(IEnumerable<string> names, VitConfig config)
    {
        ArgumentNullException.ThrowIfNull(names);
        var expected = ExpectedShapes(config);
        var sources = new Dictionary<string, TensorSource>(StringComparer.Ordinal);
        var ignored = new List<string>();
        var unexpected = new List<string>();

        // In a fixed order, so that a file's faults are always told the same way.
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            var legacy = Translate(name);
            if (legacy.All(IsUnneeded))
            {
                ignored.Add(name);
            }
            else if (legacy.All(target => expected.ContainsKey(target) || IsStemBuffer(target, config)))
            {
                for (var part = 0; part < legacy.Length; part++)
                {
                    Add(sources, legacy[part], new TensorSource(name, part, legacy.Length));
                }
            }
            else
            {
                unexpected.Add(name);
            }
        }

        return new CheckpointKeyMap(
            config, sources, ignored, unexpected, [.. expected.Keys.Where(name => !sources.ContainsKey(name))]);
    }

    private static void AddPatchShapes(Dictionary<string, long[]> shapes, VitConfig config)
    {
        long input = config.NumChannels;
        long kernel = config.PatchSize;
        if (config.ConvStem is { } stem)
        {
            foreach (var conv in stem.Convolutions(config.NumChannels))
            {
                shapes.Add(InStem(conv.Stage, conv.Place, norm: false, "weight"), [conv.Outputs, conv.Inputs, 3, 3]);
                if (stem.HasBiases)
                {
                    shapes.Add(InStem(conv.Stage, conv.Place, norm: false, "bias"), [conv.Outputs]);
                }

                if (stem.Norm != StemNorm.None)
                {
                    shapes.Add(InStem(conv.Stage, conv.Place, norm: true, "weight"), [conv.Outputs]);
                    shapes.Add(InStem(conv.Stage, conv.Place, norm: true, "bias"), [conv.Outputs]);
                }

                input = conv.Outputs;
            }

            kernel = 1;
        }

        shapes.Add(ProjectionWeight, [config.HiddenSize, input, kernel, kernel]);
        shapes.Add(ProjectionBias, [config.HiddenSize]);
    }

    /// <summary>The legacy names of the parameters that a tensor holds; its own name where it is not known.</summary>
    private static string[] Translate(string name)
    {
        if (TimmNames.TryGetValue(name, out var timm))
        {
            return [timm];
        }

        if (name.StartsWith("blocks.", StringComparison.Ordinal))
        {
            return TranslateBlock(name, "blocks.".Length, TimmBlockModules) ?? [name];
        }

        var full = BackboneParts.Any(part => name.StartsWith(part, StringComparison.Ordinal)) ? BackbonePrefix + name : name;
        foreach (var prefix in new[] { LayerPrefix, "vit.layers." })
        {
            if (full.StartsWith(prefix, StringComparison.Ordinal))
            {
                return TranslateBlock(full, prefix.Length, BlockModules) ?? [full];
            }
        }

        return [full];
    }

    private static string[]? TranslateBlock(string name, int start, Dictionary<string, string[]> modules)
    {
        var rest = name.AsSpan(start);
        var afterIndex = rest.IndexOf('.');
        var beforeKind = rest.LastIndexOf('.');
        if (afterIndex < 0 || beforeKind <= afterIndex || !TryParseIndex(rest[..afterIndex], out var layer))
        {
            return null;
        }

        var module = rest[(afterIndex + 1)..beforeKind].ToString();
        var kind = rest[beforeKind..].ToString();
        return modules.TryGetValue(module, out var legacy) ? [.. legacy.Select(target => InLayer(layer, target + kind))] : null;
    }

    private static bool TryParseIndex(ReadOnlySpan<char> digits, out int index) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out index)
        && (digits.Length == 1 || digits[0] != '0');

    private static bool IsUnneeded(string legacy) =>
        legacy is "vit.embeddings.mask_token" or "vit.pooler.dense.weight" or "vit.pooler.dense.bias";

    private static bool IsStemBuffer(string legacy, VitConfig config) =>
        config.ConvStem is not null && legacy.StartsWith(PatchPrefix, StringComparison.Ordinal);

    private static void Add(Dictionary<string, TensorSource> sources, string legacy, TensorSource source)
    {
        if (!sources.TryAdd(legacy, source))
        {
            throw new CheckpointException(
                $"The tensors {SafetensorsHeader.Quote(sources[legacy].Name)} and {SafetensorsHeader.Quote(source.Name)} "
                + $"of the checkpoint are both '{legacy}'.");
        }
    }
}
