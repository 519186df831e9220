using System.Text;
using FerActors.Testing.Files;
using FerActors.Vision.Configuration;

namespace FerActors.Vision.Tests.Configuration;

public sealed class VitConfigSpecs
{
    // The layout that transformers 4 writes for a fine-tuned ViT-B/16.
    private const string PublicCheckpoint = """
        {
          "_name_or_path": "google/vit-base-patch16-224-in21k",
          "architectures": ["ViTForImageClassification"],
          "attention_probs_dropout_prob": 0.0,
          "encoder_stride": 16,
          "hidden_act": "gelu",
          "hidden_dropout_prob": 0.1,
          "hidden_size": 768,
          "id2label": {"0": "angry", "1": "disgust", "2": "fear", "3": "happy", "4": "neutral", "5": "sad", "6": "surprise"},
          "image_size": 224,
          "initializer_range": 0.02,
          "intermediate_size": 3072,
          "label2id": {"angry": "0", "disgust": 1, "fear": "2", "happy": 3, "neutral": 4, "sad": 5, "surprise": "6"},
          "layer_norm_eps": 1e-12,
          "model_type": "vit",
          "num_attention_heads": 12,
          "num_channels": 3,
          "num_hidden_layers": 12,
          "patch_size": 16,
          "problem_type": "single_label_classification",
          "qkv_bias": true,
          "torch_dtype": "float32",
          "transformers_version": "4.30.2"
        }
        """;

    private static VitConfig Parse(string json) => VitConfig.Parse(Encoding.UTF8.GetBytes(json));

    private static VitConfigException Refused(string json) => Assert.Throws<VitConfigException>(() => Parse(json));

    [Fact]
    public void A_public_checkpoints_file_is_read()
    {
        var config = Parse(PublicCheckpoint);

        Assert.Equal(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"], config.Labels);
        Assert.Equal((768, 12, 12, 3072), (config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize));
        Assert.Equal((224, 16, 3), (config.ImageSize, config.PatchSize, config.NumChannels));
        Assert.Equal((14, 197, 64), (config.GridSize, config.SequenceLength, config.HeadSize));
        Assert.Equal(0.1, config.HiddenDropoutProb);
        Assert.Equal(1e-12, config.LayerNormEps);
        Assert.Equal("float32", config.TorchDType);
        Assert.Equal("single_label_classification", config.ProblemType);
        Assert.Equal(85_804_039, config.ParameterCount);
    }

    [Fact]
    public void Absent_and_null_fields_have_the_defaults_of_Hugging_Face()
    {
        var config = Parse("""{"model_type": "vit", "qkv_bias": null, "label2id": null, "problem_type": null, "hidden_size": null}""");

        Assert.Equal(
            (768, 12, 12, 3072),
            (config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize));
        Assert.Equal((224, 16, 3), (config.ImageSize, config.PatchSize, config.NumChannels));
        Assert.Equal(
            (0.0, 0.0, 0.02, 1e-12),
            (config.HiddenDropoutProb, config.AttentionProbsDropoutProb, config.InitializerRange, config.LayerNormEps));
        Assert.True(config.QkvBias);
        Assert.Equal(HiddenActivation.Gelu, config.HiddenAct);
        Assert.Equal(["LABEL_0", "LABEL_1"], config.Labels);
        Assert.Null(config.ConvStem);
        Assert.Null(config.TorchDType);
        Assert.Equal(new FerActorsSection(1.0, null, null), config.FerActors);
    }

    [Theory]
    [InlineData("gelu", HiddenActivation.Gelu)]
    [InlineData("gelu_new", HiddenActivation.GeluTanh)]
    [InlineData("gelu_pytorch_tanh", HiddenActivation.GeluTanh)]
    [InlineData("relu", HiddenActivation.Relu)]
    public void Known_activations_are_read(string name, HiddenActivation expected) =>
        Assert.Equal(expected, Parse($$"""{"model_type":"vit","hidden_act":"{{name}}"}""").HiddenAct);

    [Fact]
    public void The_newer_name_of_the_weights_type_wins() =>
        Assert.Equal("bfloat16", Parse("""{"model_type":"vit","dtype":"bfloat16","torch_dtype":"float32"}""").TorchDType);

    [Fact]
    public void Sides_may_be_pairs_of_a_square()
    {
        var config = Parse("""{"model_type":"vit","image_size":[48,48],"patch_size":[6,6]}""");
        Assert.Equal((48, 6), (config.ImageSize, config.PatchSize));
    }

    [Fact]
    public void A_byte_order_mark_is_passed_over() => Assert.Equal(768, Parse("\uFEFF{\"model_type\":\"vit\"}").HiddenSize);

    public static TheoryData<string, string> Refusals => new()
    {
        { """{}""", "model_type is absent" },
        { """{"model_type":"deit"}""", "model_type is 'deit'" },
        { """{"model_type":"vit","hidden_size":0}""", "hidden_size is 0" },
        { """{"model_type":"vit","hidden_size":16385}""", "hidden_size is 16385" },
        { """{"model_type":"vit","hidden_size":"768"}""", "hidden_size is not a whole number" },
        { """{"model_type":"vit","hidden_size":768.5}""", "hidden_size is not a whole number" },
        { """{"model_type":"vit","hidden_size":99999999999}""", "hidden_size is not a whole number" },
        { """{"model_type":"vit","num_hidden_layers":257}""", "num_hidden_layers is 257" },
        { """{"model_type":"vit","num_attention_heads":7}""", "not a multiple of num_attention_heads 7" },
        { """{"model_type":"vit","num_attention_heads":2000}""", "num_attention_heads is 2000" },
        { """{"model_type":"vit","intermediate_size":-1}""", "intermediate_size is -1" },
        { """{"model_type":"vit","image_size":5000}""", "image_size is 5000" },
        { """{"model_type":"vit","image_size":225}""", "not a multiple of patch_size 16" },
        { """{"model_type":"vit","image_size":[224,192]}""", "image_size is [224, 192]; only squares" },
        { """{"model_type":"vit","image_size":[224]}""", "image_size is neither a whole number nor a pair" },
        { """{"model_type":"vit","patch_size":0}""", "patch_size is 0" },
        { """{"model_type":"vit","image_size":4096}""", "more than 16384 patches" },
        { """{"model_type":"vit","hidden_size":16384,"num_attention_heads":16}""", "parameters, more than" },
        { """{"model_type":"vit","num_channels":4}""", "num_channels is 4" },
        { """{"model_type":"vit","hidden_act":"quick_gelu"}""", "hidden_act is 'quick_gelu'; supported are gelu" },
        { """{"model_type":"vit","hidden_act":1}""", "hidden_act is not a text" },
        { """{"model_type":"vit","layer_norm_eps":0}""", "layer_norm_eps" },
        { """{"model_type":"vit","layer_norm_eps":1e999}""", "layer_norm_eps is not a finite number" },
        { """{"model_type":"vit","hidden_dropout_prob":1}""", "hidden_dropout_prob" },
        { """{"model_type":"vit","attention_probs_dropout_prob":-0.1}""", "attention_probs_dropout_prob" },
        { """{"model_type":"vit","initializer_range":2}""", "initializer_range" },
        { """{"model_type":"vit","qkv_bias":1}""", "qkv_bias is neither true nor false" },
        { """{"model_type":"vit","problem_type":"multi_label_classification"}""", "problem_type 'multi_label_classification'" },
        { """{"model_type":"vit","architectures":"ViT"}""", "architectures is not a list" },
        { """{"model_type":"vit","architectures":[1]}""", "architectures is not a list of texts" },
        { """{"model_type":"vit","id2label":[]}""", "id2label is not an object" },
        { """{"model_type":"vit","id2label":{}}""", "id2label has 0 labels" },
        { """{"model_type":"vit","id2label":{"0":"a","2":"b"}}""", "id2label does not number its 2 outputs" },
        { """{"model_type":"vit","id2label":{"0":"a","00":"b"}}""", "id2label does not map whole numbers, each once" },
        { """{"model_type":"vit","id2label":{"x":"a"}}""", "id2label does not map" },
        { """{"model_type":"vit","id2label":{"0":1}}""", "id2label does not map" },
        { """{"model_type":"vit","id2label":{"0":"a","1":"b"},"label2id":{"a":1,"b":0}}""", "label2id says that 'a' is output 1" },
        { """{"model_type":"vit","id2label":{"0":"a","1":"b"},"label2id":{"c":0}}""", "label2id says that 'c'" },
        { """{"model_type":"vit","label2id":{"a":"x"}}""", "label2id does not map" },
        { """{"model_type":"vit","label2id":{"a":true}}""", "label2id does not map" },
        { """{"model_type":"vit","label2id":{"a":0,"b":0}}""", "label2id gives the output 0 twice" },
        { """{"model_type":"vit","label2id":{"a":0,"b":-1}}""", "label2id does not number" },
        { """{"model_type":"vit","num_labels":0}""", "num_labels is 0" },
        { """{"model_type":"vit","conv_stem":{"channels":[8]}}""", "conv_stem is only known for" },
        { """{"model_type":"fer_vit_conv"}""", "conv_stem is needed" },
        { """{"model_type":"fer_vit_conv","conv_stem":{"channels":[8,8]}}""", "patch_size is 16, but a stem of 2 stages makes patches of 4" },
        { """{"model_type":"fer_vit_conv","conv_stem":{"channels":[]}}""", "conv_stem.channels has 0 stages" },
        { """{"model_type":"fer_vit_conv","conv_stem":{"channels":[1,1,1,1,1,1,1]}}""", "conv_stem.channels is not a list of at most 6" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[5000]}}""", "conv_stem.channels has an entry" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[8],"convs_per_stage":0}}""", "conv_stem.convs_per_stage is 0" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[8],"convs_per_stage":2,"residual":true}}""", "a residual stem has one and some pairs: 3, 5 or 7" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[8],"convs_per_stage":1,"residual":true}}""", "a residual stem has one and some pairs: 3, 5 or 7" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[8],"norm":"batch"}}""", "norm is 'batch'; supported are group and none" },
        { """{"model_type":"fer_vit_conv","patch_size":2,"conv_stem":{"channels":[8],"residual":1}}""", "residual" },
        { """{"model_type":"vit","fer_actors":{"temperature":0}}""", "fer_actors.temperature" },
        { """{"model_type":"vit","fer_actors":{"temperature":"1"}}""", "fer_actors.temperature is not a finite number" },
        { """{"model_type":"vit","fer_actors":{"name":"a\nb"}}""", "fer_actors.name" },
        { """{"model_type":"vit","fer_actors":{"version":"a\u0000b"}}""", "fer_actors.version" },
        { """{"model_type":"vit","fer_actors":{"calibrated_on":"faces"}}""", "fer_actors.calibrated_on is not 'votes'" },
        { """{"model_type":"vit","fer_actors":1}""", "fer_actors is not an object" },
        { """[]""", "not an object" },
        { """{"model_type":"vit",}""", "not valid JSON" },
        { """{"model_type":"vit","model_type":"vit"}""", "not valid JSON" },
        { """{"model_type":"\uD800"}""", "not valid JSON" },
        { "", "not valid JSON" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_file_that_cannot_be_used_is_refused_and_the_field_named(string json, string expected) =>
        Assert.Contains(expected, Refused(json).Message, StringComparison.Ordinal);

    [Fact]
    public void All_errors_are_told_at_once()
    {
        var error = Refused("""{"model_type":"bert","hidden_size":-1,"num_channels":2,"hidden_act":"swish","layer_norm_eps":"x"}""");
        Assert.Equal(5, error.Errors.Count);
        Assert.StartsWith("config.json: ", error.Message, StringComparison.Ordinal);
        Assert.All(error.Errors, sentence => Assert.Contains(sentence, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Control_characters_of_the_file_do_not_reach_the_message() =>
        Assert.DoesNotContain(Refused("""{"model_type":"\u001b[2J\n","hidden_act":"\u0007"}""").Message, char.IsControl);

    [Fact]
    public void Text_that_is_no_UTF8_or_too_long_or_too_deep_is_refused()
    {
        Assert.Throws<VitConfigException>(() => VitConfig.Parse(new byte[] { (byte)'{', 0xFF, (byte)'}' }));
        var tooLong = new byte[(8 << 20) + 1];
        Assert.Contains(
            "over the limit",
            Assert.Throws<VitConfigException>(() => VitConfig.Parse(tooLong)).Message,
            StringComparison.Ordinal);
        Assert.Contains("not valid JSON", Refused($$"""{"model_type":"vit","x":{{new string('[', 40)}}{{new string(']', 40)}}}""").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_come_from_label2id_or_a_count_where_id2label_is_absent()
    {
        Assert.Equal(["sad", "happy"], Parse("""{"model_type":"vit","label2id":{"happy":"1","sad":"0"}}""").Labels);
        Assert.Equal(["LABEL_0", "LABEL_1", "LABEL_2"], Parse("""{"model_type":"vit","num_labels":3}""").Labels);
    }

    [Fact]
    public void Placeholders_left_behind_in_label2id_do_not_count() =>
        Assert.Equal(
            ["sad", "happy"],
            Parse("""{"model_type":"vit","id2label":{"0":"sad","1":"happy"},"label2id":{"LABEL_0":0,"LABEL_1":1}}""").Labels);

    [Fact]
    public void The_convolutional_variant_is_read()
    {
        var config = Parse("""
            {"model_type":"fer_vit_conv","image_size":48,"patch_size":8,"num_channels":1,"hidden_size":192,"num_attention_heads":3,
             "conv_stem":{"channels":[48,96,192],"convs_per_stage":2},"fer_actors":{"temperature":1.25,"name":"compact","version":"3"}}
            """);
        Assert.Equal("fer_vit_conv", config.ModelType);
        Assert.NotNull(config.ConvStem);
        Assert.Equal([48, 96, 192], config.ConvStem.Channels);
        Assert.Equal((2, 8), (config.ConvStem.ConvsPerStage, config.ConvStem.PatchSize));
        Assert.Equal(new FerActorsSection(1.25, "compact", "3"), config.FerActors);
    }

    public static TheoryData<string> Examples => new()
    {
        PublicCheckpoint,
        """{"model_type":"vit"}""",
        """
        {"model_type":"fer_vit_conv","image_size":48,"patch_size":8,"num_channels":1,"hidden_size":192,"num_attention_heads":3,
         "hidden_act":"gelu_new","qkv_bias":false,"id2label":{"0":"ärger","1":"x","2":"x"},"architectures":null,
         "conv_stem":{"channels":[48,96,192],"convs_per_stage":1},"fer_actors":{"temperature":1.25,"name":"compact","version":"3","calibrated_on":"votes"}}
        """,
        """
        {"model_type":"fer_vit_conv","patch_size":4,"num_channels":1,
         "conv_stem":{"channels":[48,96],"convs_per_stage":3,"norm":"none","residual":true}}
        """,
        """{"model_type":"vit","hidden_act":"relu","layer_norm_eps":1e-6,"torch_dtype":"bfloat16"}""",
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void A_file_that_was_read_is_written_and_read_the_same(string json)
    {
        var config = Parse(json);
        var written = config.ToJson();
        var again = VitConfig.Parse(written);

        Assert.Equal(written, again.ToJson());
        Assert.Equal(config.Labels, again.Labels);
        Assert.Equal(config.Architectures, again.Architectures);
        Assert.Equal(config.ConvStem?.Channels, again.ConvStem?.Channels);
        Assert.Equal(
            (config.ConvStem?.ConvsPerStage, config.ConvStem?.Norm, config.ConvStem?.Residual),
            (again.ConvStem?.ConvsPerStage, again.ConvStem?.Norm, again.ConvStem?.Residual));
        // Records compare their lists by reference, so the lists were compared above.
        Assert.Equal(config, again with { Labels = config.Labels, Architectures = config.Architectures, ConvStem = config.ConvStem });
    }

    [Fact]
    public void The_written_layout_is_that_of_Hugging_Face()
    {
        var text = Encoding.UTF8.GetString(new VitConfig { Labels = ["angry", "happy"], TorchDType = "float32" }.ToJson());
        Assert.Equal(
            """
            {
              "architectures": [
                "ViTForImageClassification"
              ],
              "attention_probs_dropout_prob": 0,
              "fer_actors": {
                "temperature": 1
              },
              "hidden_act": "gelu",
              "hidden_dropout_prob": 0,
              "hidden_size": 768,
              "id2label": {
                "0": "angry",
                "1": "happy"
              },
              "image_size": 224,
              "initializer_range": 0.02,
              "intermediate_size": 3072,
              "label2id": {
                "angry": 0,
                "happy": 1
              },
              "layer_norm_eps": 1E-12,
              "model_type": "vit",
              "num_attention_heads": 12,
              "num_channels": 3,
              "num_hidden_layers": 12,
              "patch_size": 16,
              "qkv_bias": true,
              "torch_dtype": "float32"
            }

            """,
            text);
    }

    [Fact]
    public void A_file_is_saved_and_loaded()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf(VitConfig.FileName);
        File.WriteAllText(path, "old");
        new VitConfig { Labels = LabelMap.Fer2013Labels }.Save(path);
        Assert.Equal(7, VitConfig.Load(path).NumLabels);
        Assert.Equal([path], Directory.GetFiles(folder.Root));
        Assert.Throws<FileNotFoundException>(() => VitConfig.Load(folder.PathOf("absent.json")));
    }

    [Fact]
    public void A_file_over_the_limit_is_not_even_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf("config.json");
        using (var stream = File.Create(path))
        {
            stream.SetLength(1L << 33);
        }

        Assert.Contains("over the limit", Assert.Throws<VitConfigException>(() => VitConfig.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_made_in_code_is_checked_before_it_is_written()
    {
        var config = new VitConfig { NumHiddenLayers = 0, HiddenAct = (HiddenActivation)9, Labels = [new string('x', 2000)] };
        var error = Assert.Throws<VitConfigException>(config.ToJson);
        Assert.Equal(error.Errors, Assert.Throws<VitConfigException>(config.EnsureValid).Errors);
        Assert.Equal(3, error.Errors.Count);
    }

    [Fact]
    public void The_exception_keeps_its_message_as_its_one_error()
    {
        Assert.Equal(["why"], new VitConfigException("why").Errors);
        Assert.Single(new VitConfigException().Errors);
    }
}
