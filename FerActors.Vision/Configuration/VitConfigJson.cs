using System.Text.Json;

namespace FerActors.Vision.Configuration;

/// <summary>config.json as text: Hugging Face's names and defaults, their older and newer spellings.</summary>
internal static class VitConfigJson
{
    private const string SupportedActivations = "gelu, gelu_new, gelu_pytorch_tanh and relu";

    public static VitConfig Read(JsonFields fields, List<string> errors)
    {
        var defaults = new VitConfig();
        var stem = ReadStem(fields);
        var architectures = fields.Texts("architectures", most: 16) ?? [];
        var config = new VitConfig
        {
            HiddenSize = fields.Int("hidden_size", defaults.HiddenSize),
            NumHiddenLayers = fields.Int("num_hidden_layers", defaults.NumHiddenLayers),
            NumAttentionHeads = fields.Int("num_attention_heads", defaults.NumAttentionHeads),
            IntermediateSize = fields.Int("intermediate_size", defaults.IntermediateSize),
            HiddenAct = ReadActivation(fields),
            HiddenDropoutProb = fields.Double("hidden_dropout_prob", defaults.HiddenDropoutProb),
            AttentionProbsDropoutProb = fields.Double("attention_probs_dropout_prob", defaults.AttentionProbsDropoutProb),
            InitializerRange = fields.Double("initializer_range", defaults.InitializerRange),
            LayerNormEps = fields.Double("layer_norm_eps", defaults.LayerNormEps),
            ImageSize = fields.Side("image_size", defaults.ImageSize),
            PatchSize = fields.Side("patch_size", defaults.PatchSize),
            NumChannels = fields.Int("num_channels", defaults.NumChannels),
            QkvBias = fields.Bool("qkv_bias", defaults.QkvBias),
            Labels = LabelFields.Read(fields) ?? defaults.Labels,
            ProblemType = fields.Text("problem_type"),
            TorchDType = fields.Text("dtype") ?? fields.Text("torch_dtype"),
            Architectures = Architectures(stem, architectures),
            ConvStem = stem,
            FerActors = ReadSection(fields),
        };
        errors.AddRange(config.Validate());
        return config;
    }

    public static byte[] Write(VitConfig config) => HuggingFaceJson.Write(json =>
    {
        var architectures = Architectures(config.ConvStem, config.Architectures);
        if (architectures.Count > 0)
        {
            json.WriteStartArray("architectures");
            foreach (var architecture in architectures)
            {
                json.WriteStringValue(architecture);
            }

            json.WriteEndArray();
        }

        json.WriteNumber("attention_probs_dropout_prob", config.AttentionProbsDropoutProb);
        if (config.ConvStem is { } stem)
        {
            json.WriteStartObject("conv_stem");
            json.WriteStartArray("channels");
            foreach (var channels in stem.Channels)
            {
                json.WriteNumberValue(channels);
            }

            json.WriteEndArray();
            json.WriteNumber("convs_per_stage", stem.ConvsPerStage);

            // What was there before these two is left out, so that older files and newer ones of the same model are the same bytes.
            if (stem.Norm != StemNorm.Group)
            {
                json.WriteString("norm", NormName(stem.Norm));
            }

            if (stem.Residual)
            {
                json.WriteBoolean("residual", true);
            }

            json.WriteEndObject();
        }

        WriteSection(json, config.FerActors);
        json.WriteString("hidden_act", ActivationName(config.HiddenAct));
        json.WriteNumber("hidden_dropout_prob", config.HiddenDropoutProb);
        json.WriteNumber("hidden_size", config.HiddenSize);
        LabelFields.WriteId2Label(json, config.Labels);
        json.WriteNumber("image_size", config.ImageSize);
        json.WriteNumber("initializer_range", config.InitializerRange);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        LabelFields.WriteLabel2Id(json, config.Labels);
        json.WriteNumber("layer_norm_eps", config.LayerNormEps);
        json.WriteString("model_type", config.ModelType);
        json.WriteNumber("num_attention_heads", config.NumAttentionHeads);
        json.WriteNumber("num_channels", config.NumChannels);
        json.WriteNumber("num_hidden_layers", config.NumHiddenLayers);
        json.WriteNumber("patch_size", config.PatchSize);
        if (config.ProblemType is not null)
        {
            json.WriteString("problem_type", config.ProblemType);
        }

        json.WriteBoolean("qkv_bias", config.QkvBias);
        if (config.TorchDType is not null)
        {
            json.WriteString("torch_dtype", config.TorchDType);
        }
    });

    // Older files of stem models name Hugging Face's class, which cannot load them.
    private static IReadOnlyList<string> Architectures(ConvStemConfig? stem, IReadOnlyList<string> named) =>
        stem is null ? named : [VitConfig.ConvStemArchitecture];

    private static HiddenActivation ReadActivation(JsonFields fields)
    {
        switch (fields.Text("hidden_act"))
        {
            case null or "gelu":
                return HiddenActivation.Gelu;
            case "gelu_new" or "gelu_pytorch_tanh":
                return HiddenActivation.GeluTanh;
            case "relu":
                return HiddenActivation.Relu;
            case var other:
                fields.Fault("hidden_act", $"is '{other}'; supported are {SupportedActivations}");
                return HiddenActivation.Gelu;
        }
    }

    private static string ActivationName(HiddenActivation activation) => activation switch
    {
        HiddenActivation.GeluTanh => "gelu_pytorch_tanh",
        HiddenActivation.Relu => "relu",
        _ => "gelu",
    };

    private static ConvStemConfig? ReadStem(JsonFields fields)
    {
        var type = fields.Text("model_type");
        switch (type)
        {
            case VitConfig.PlainModelType:
                if (fields.Has("conv_stem"))
                {
                    fields.Fault("conv_stem", $"is only known for the model_type {VitConfig.ConvStemModelType}");
                }

                return null;
            case VitConfig.ConvStemModelType:
                if (fields.Object("conv_stem") is { } stem)
                {
                    return new ConvStemConfig(
                        stem.Ints("channels", ConvStemConfig.MaxStages) ?? [], stem.Int("convs_per_stage", otherwise: 2))
                    {
                        Norm = ReadNorm(stem),
                        Residual = stem.Bool("residual", otherwise: false),
                    };
                }

                fields.Fault("conv_stem", $"is needed for the model_type {VitConfig.ConvStemModelType}");
                return null;
            default:
                var found = type is null ? "absent" : $"'{type}'";
                fields.Fault(
                    "model_type",
                    $"is {found}; supported are {VitConfig.PlainModelType} and {VitConfig.ConvStemModelType}");
                return null;
        }
    }

    private static StemNorm ReadNorm(JsonFields stem)
    {
        switch (stem.Text("norm"))
        {
            case null or "group":
                return StemNorm.Group;
            case "none":
                return StemNorm.None;
            case var other:
                stem.Fault("norm", $"is '{other}'; supported are group and none");
                return StemNorm.Group;
        }
    }

    private static string NormName(StemNorm norm) => norm switch
    {
        StemNorm.Group => "group",
        StemNorm.None => "none",
        _ => throw new VitConfigException("The ViT configuration", ["conv_stem.norm is batch, which is for training only; fold the model first."]),
    };

    private static FerActorsSection ReadSection(JsonFields fields) => fields.Object("fer_actors") is { } section
        ? new FerActorsSection(section.Double("temperature", otherwise: 1.0), section.Text("name"), section.Text("version"), section.Text("calibrated_on"))
        : new FerActorsSection();

    private static void WriteSection(Utf8JsonWriter json, FerActorsSection section)
    {
        json.WriteStartObject("fer_actors");
        if (section.Name is not null)
        {
            json.WriteString("name", section.Name);
        }

        json.WriteNumber("temperature", section.Temperature);
        if (section.Version is not null)
        {
            json.WriteString("version", section.Version);
        }

        if (section.CalibratedOn is not null)
        {
            json.WriteString("calibrated_on", section.CalibratedOn);
        }

        json.WriteEndObject();
    }
}
