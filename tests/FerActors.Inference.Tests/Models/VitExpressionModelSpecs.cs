using FerActors.Inference.Models;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Inference.Tests.Models;

public sealed class VitExpressionModelSpecs : IDisposable
{
    private static readonly IReadOnlyList<FaceCrop> Crops = PrecisionTrial.Probe(16, 5);

    private readonly ModelFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_crop_gets_seven_probabilities_that_sum_to_one()
    {
        using var model = VitExpressionModel.Load(_folder.Options(), []);

        var predictions = model.Predict(Crops);

        Assert.Equal(5, predictions.Count);
        Assert.All(predictions, p => Assert.Equal(7, p.Probabilities.Length));
        Assert.All(predictions, p => Assert.Equal(1, p.Probabilities.Sum(), 5));
        Assert.All(predictions, p => Assert.Null(p.Attention));
        Assert.Equal(ScalarType.Float32, model.ComputeType);
        Assert.Equal(16, model.InputSide);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public void A_crops_prediction_does_not_depend_on_its_batch_nor_on_the_parts_that_it_is_cut_into(int threads)
    {
        using var model = VitExpressionModel.Load(_folder.Options() with { Threads = threads }, []);

        var together = model.Predict(Crops);

        Assert.All(Crops.Select((crop, i) => (crop, i)), c => AssertClose(model.Predict([c.crop])[0], together[c.i]));
        Assert.NotEqual(together[0].Probabilities, together[1].Probabilities);
    }

    [Fact]
    public void The_folder_names_a_model_that_does_not_name_itself()
    {
        using var model = VitExpressionModel.Load(_folder.Options() with { Path = _folder.Path + Path.DirectorySeparatorChar }, []);

        Assert.Equal(Path.GetFileName(_folder.Path), model.Identity.Name);
        Assert.Equal(64, model.Identity.WeightsSha256.Length);
        Assert.Equal(model.Identity.WeightsSha256[..12], model.Identity.Version);
    }

    [Fact]
    public void A_model_that_names_itself_keeps_its_name()
    {
        using var folder = new ModelFolder(ModelFolder.Config with { FerActors = new FerActorsSection(Name: "compact", Version: "3") });

        using var model = VitExpressionModel.Load(folder.Options(), []);

        Assert.Equal(("compact", "3"), (model.Identity.Name, model.Identity.Version));
    }

    [Fact]
    public void Outputs_in_another_order_are_found_by_their_names()
    {
        string[] alphabetical = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
        using var folder = new ModelFolder(ModelFolder.Config with { Labels = alphabetical });
        using var other = VitExpressionModel.Load(folder.Options(), []);
        using var model = VitExpressionModel.Load(_folder.Options(), []);

        var outputs = model.Predict(Crops)[0].Probabilities;
        var byName = other.Predict(Crops)[0].Probabilities;

        Assert.Equal(outputs[4], byName[(int)Expression.Neutral]);
        Assert.Equal(outputs[5], byName[(int)Expression.Sad]);
        Assert.Equal(outputs[6], byName[(int)Expression.Surprise]);
        Assert.Equal(outputs[..4], byName[..4]);
    }

    [Fact]
    public void The_temperature_changes_the_confidence_and_not_the_class()
    {
        using var folder = new ModelFolder(ModelFolder.Config with { FerActors = new FerActorsSection(Temperature: 3) });
        using var cool = VitExpressionModel.Load(_folder.Options(), []);
        using var warm = VitExpressionModel.Load(folder.Options(), []);

        Assert.All(cool.Predict(Crops).Zip(warm.Predict(Crops)), pair =>
        {
            var (sharp, soft) = (pair.First.Probabilities, pair.Second.Probabilities);
            Assert.Equal(Array.IndexOf(sharp, sharp.Max()), Array.IndexOf(soft, soft.Max()));
            Assert.True(soft.Max() < sharp.Max());
        });
    }

    [Fact]
    public void Attention_comes_for_the_crops_that_asked_and_changes_no_prediction()
    {
        using var model = VitExpressionModel.Load(_folder.Options(), []);
        var crops = PrecisionTrial.Probe(16, 25).Select((crop, i) => crop with { WantsAttention = i % 3 != 0 }).ToList();

        var predictions = model.Predict(crops);

        var plain = model.Predict(crops.Select(c => c with { WantsAttention = false }).ToList());
        Assert.All(predictions.Zip(plain), pair => AssertClose(pair.Second, pair.First));
        Assert.All(predictions.Zip(crops), pair => Assert.Equal(pair.Second.WantsAttention, pair.First.Attention is not null));
        Assert.All(predictions.Where(p => p.Attention is not null), p =>
        {
            Assert.Equal((4, 4, 16), (p.Attention!.Rows, p.Attention.Columns, p.Attention.Values.Count));
            Assert.Equal(1, p.Attention.Values.Sum(), 4);
            Assert.All(p.Attention.Values, v => Assert.True(v >= 0));
        });
        var alone = model.Predict([crops[^1] with { WantsAttention = true }])[0].Attention!;
        var together = model.Predict([.. crops.Select(c => c with { WantsAttention = true })])[^1].Attention!;
        Assert.All(alone.Values.Zip(together.Values), pair => Assert.Equal(pair.First, pair.Second, 5));
    }

    [Fact]
    public void Explanations_come_for_the_crops_that_asked_and_change_no_prediction()
    {
        using var model = VitExpressionModel.Load(_folder.Options(), []);
        ExplanationRequest?[] wanted =
        [
            null, new(ExplanationMethod.Rollout), new(ExplanationMethod.Gradient), new(ExplanationMethod.Gradient, Expression.Fear),
        ];
        var crops = PrecisionTrial.Probe(16, 23).Select((crop, i) => crop with { Explain = wanted[i % 4], WantsAttention = i % 8 == 2 }).ToList();

        var predictions = model.Predict(crops);

        var plain = model.Predict(crops.Select(c => c with { Explain = null, WantsAttention = false }).ToList());
        Assert.All(predictions.Zip(plain, (p, expected) => (p, expected)), pair => AssertClose(pair.expected, pair.p));
        Assert.All(predictions.Select((p, i) => (p, i)), pair =>
        {
            var (prediction, i) = pair;
            var explanation = prediction.Explanation;
            Assert.Equal(i % 8 == 2, prediction.Attention is not null);
            Assert.Equal(wanted[i % 4]?.Method.ToString().ToLowerInvariant(), explanation?.Method);
            Assert.Equal(
                (i % 4) switch { 2 => (Expression)Array.IndexOf(prediction.Probabilities, prediction.Probabilities.Max()), 3 => Expression.Fear, _ => null },
                explanation?.Label);
            if (explanation is not null)
            {
                Assert.Equal(4, explanation.Grid.Count);
                Assert.All(explanation.Grid, row => Assert.Equal(4, row.Count));
                Assert.Equal(1, explanation.Grid.Max(row => row.Max()));
                Assert.True(explanation.Grid.Min(row => row.Min()) >= 0);
            }
        });
    }

    [Fact]
    public void The_gradient_explains_each_expression_differently_and_finds_it_by_name_in_any_order_of_outputs()
    {
        string[] reversed = [.. LabelMap.Fer2013Labels.Reverse()];
        using var folder = new ModelFolder(ModelFolder.Config with { Labels = reversed });
        using var other = VitExpressionModel.Load(folder.Options(), []);
        using var model = VitExpressionModel.Load(_folder.Options(), []);

        Assert.NotEqual(Flat(Of(model, Expression.Angry)), Flat(Of(model, Expression.Happy)));
        Assert.Equal(Flat(Of(model, Expression.Angry)), Flat(Of(other, Expression.Neutral)));

        FaceExplanation Of(VitExpressionModel asked, Expression label) =>
            asked.Predict([Crops[1] with { Explain = new ExplanationRequest(ExplanationMethod.Gradient, label) }])[0].Explanation!;
        static List<float> Flat(FaceExplanation explanation) => explanation.Grid.SelectMany(row => row).ToList();
    }

    // The rows of the rollout are those of a product of matrices whose rows sum to 1, in doubles.
    [Fact]
    public void The_rows_of_a_real_models_rollout_sum_to_one()
    {
        using var model = Vit.Create(ModelFolder.Config, 5);
        using var pixels = rand([1, ModelFolder.Config.NumChannels, 16, 16]);
        var (_, layers) = model.ForwardWithAttention(pixels);
        var tokens = ModelFolder.Config.SequenceLength;
        var product = new double[tokens, tokens];
        for (var i = 0; i < tokens; i++)
        {
            product[i, i] = 1;
        }

        foreach (var layer in layers)
        {
            var mean = layer.mean([1]).data<float>().ToArray();
            var next = new double[tokens, tokens];
            for (var i = 0; i < tokens; i++)
            {
                for (var j = 0; j < tokens; j++)
                {
                    for (var k = 0; k < tokens; k++)
                    {
                        next[i, j] += 0.5 * (mean[(i * tokens) + k] + (i == k ? 1 : 0)) * product[k, j];
                    }
                }
            }

            product = next;
        }

        Assert.All(Enumerable.Range(0, tokens), i => Assert.Equal(1, Enumerable.Range(0, tokens).Sum(j => product[i, j]), 5));
        var map = AttentionRollout.Compute([.. layers.Select(layer => layer.mean([1]).data<float>().ToArray())], model.Grid);
        var patches = Enumerable.Range(1, tokens - 1).Select(j => product[0, j]).ToList();
        Assert.All(map.Values.Select((value, i) => (value, i)), pair => Assert.Equal(patches[pair.i] / patches.Sum(), pair.value, 5));
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void Both_precisions_explain(string precision)
    {
        using var model = VitExpressionModel.Load(_folder.Options(precision), []);

        var explanation = model.Predict([Crops[1] with { Explain = new ExplanationRequest(ExplanationMethod.Gradient) }])[0].Explanation!;

        Assert.All(explanation.Grid.SelectMany(row => row), value => Assert.True(value is >= 0 and <= 1));
    }

    [Fact]
    public void A_crop_of_another_size_is_refused()
    {
        using var model = VitExpressionModel.Load(_folder.Options(), []);

        var error = Assert.Throws<ArgumentException>(() => model.Predict([Crops[0], new FaceCrop(new byte[15 * 16])]));

        Assert.Contains("240", error.Message, StringComparison.Ordinal);
        Assert.Contains("256", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Logits_that_are_not_finite_are_a_failure_of_the_model(float bias)
    {
        using var folder = new ModelFolder(classifierBias: bias);
        using var model = VitExpressionModel.Load(folder.Options(), []);

        Assert.Throws<ModelFailureException>(() => model.Predict(Crops));
        Assert.Throws<ModelFailureException>(() => VitExpressionModel.Load(folder.Options(), [1]));
        Assert.Throws<ModelFailureException>(() => VitExpressionModel.Load(folder.Options("auto"), []));
    }

    [Fact]
    public void It_computes_in_bf16_where_asked_and_agrees_with_fp32()
    {
        using var exact = VitExpressionModel.Load(_folder.Options(), []);
        using var half = VitExpressionModel.Load(_folder.Options("bf16"), [1, 2]);

        var difference = PrecisionTrial.Difference(exact, half);

        Assert.Equal(ScalarType.BFloat16, half.ComputeType);
        Assert.InRange(difference, 1e-7, 0.2);
        Assert.All(half.Predict(Crops), p => Assert.Equal(1, p.Probabilities.Sum(), 5));
    }

    [Fact]
    public void Bf16_that_does_not_agree_is_refused_where_asked_for_and_not_taken_where_not()
    {
        var bf16 = _folder.Options("bf16") with { ParityTolerance = 1e-12 };

        var error = Assert.Throws<InvalidOperationException>(() => VitExpressionModel.Load(bf16, []));
        using var auto = VitExpressionModel.Load(bf16 with { Precision = "auto" }, [2]);

        Assert.Contains("fp32", error.Message, StringComparison.Ordinal);
        Assert.Equal(ScalarType.Float32, auto.ComputeType);
    }

    [Fact]
    public void Weights_beyond_bf16s_range_leave_fp32_serving()
    {
        using var folder = new ModelFolder(classifierBias: 3.4e38f);

        using var auto = VitExpressionModel.Load(folder.Options("auto"), [1]);

        Assert.Equal(ScalarType.Float32, auto.ComputeType);
        Assert.Throws<InvalidOperationException>(() => VitExpressionModel.Load(folder.Options("bf16"), []));
    }

    [Fact]
    public void The_precision_that_is_chosen_by_itself_is_one_of_the_two_and_answers()
    {
        using var model = VitExpressionModel.Load(_folder.Options("auto"), [1, 4]);

        Assert.Contains(model.ComputeType, new[] { ScalarType.Float32, ScalarType.BFloat16 });
        Assert.Equal(5, model.Predict(Crops).Count);
    }

    [Theory]
    [InlineData(HiddenActivation.Gelu, "none")]
    [InlineData(HiddenActivation.Gelu, "group norm")]
    [InlineData(HiddenActivation.Gelu, "folded, residual")]
    [InlineData(HiddenActivation.GeluTanh, "none")]
    [InlineData(HiddenActivation.Relu, "group norm")]
    public void Onnx_runtime_gives_the_probabilities_and_embeddings_of_libtorch(HiddenActivation activation, string stem)
    {
        var convolutions = stem switch
        {
            "group norm" => new ConvStemConfig([8, 16], 2),
            "folded, residual" => new ConvStemConfig([8, 16], 3) { Norm = StemNorm.None, Residual = true },
            _ => null,
        };
        using var folder = new ModelFolder(ModelFolder.Config with { HiddenAct = activation, ConvStem = convolutions });
        using var torch = VitExpressionModel.Load(folder.Options(), []);
        using var onnx = VitExpressionModel.Load(folder.Options("auto") with { Engine = ModelOptions.OnnxRuntime, ParityTolerance = 1e-4 }, [1, 3]);

        var (expected, actual) = (torch.Predict(Crops), onnx.Predict(Crops));

        Assert.Equal(("libtorch fp32", "onnxruntime fp32"), (torch.Engines.Classes.Single().Engine, onnx.Engines.Classes.Single().Engine));
        Assert.Equal(torch.Identity, onnx.Identity);
        Assert.All(expected.Zip(actual), pair => AssertClose(pair.First, pair.Second));
        Assert.All(expected.Zip(actual), pair => Assert.All(pair.First.Embedding!.Zip(pair.Second.Embedding!), value => Assert.Equal(value.First, value.Second, 1e-3f)));
        Assert.NotEqual(actual[0].Probabilities, actual[1].Probabilities);
    }

    [Fact]
    public void With_onnx_runtime_a_batch_still_gets_the_maps_and_explanations_that_it_asks_for()
    {
        using var torch = VitExpressionModel.Load(_folder.Options(), []);
        using var onnx = VitExpressionModel.Load(_folder.Options() with { Engine = ModelOptions.OnnxRuntime }, []);
        FaceCrop[] crops = [Crops[0], Crops[1] with { WantsAttention = true }, Crops[2] with { Explain = new ExplanationRequest(ExplanationMethod.Gradient) }];

        var (expected, actual) = (torch.Predict(crops), onnx.Predict(crops));

        Assert.Null(actual[0].Attention);
        Assert.Equal(expected[1].Attention!.Values, actual[1].Attention!.Values);
        Assert.Equal(expected[2].Explanation!.Label, actual[2].Explanation!.Label);
    }

    [Fact]
    public void An_engine_that_does_not_agree_is_refused_with_the_remedy()
    {
        var options = _folder.Options() with { Engine = ModelOptions.OnnxRuntime, ParityTolerance = 1e-12 };

        var error = Assert.Throws<InvalidOperationException>(() => VitExpressionModel.Load(options, []));

        Assert.Contains("With onnxruntime", error.Message, StringComparison.Ordinal);
        Assert.Contains("Use engine libtorch", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ModelOptions.LibTorch)]
    [InlineData(ModelOptions.OnnxRuntime)]
    public void With_flip_a_face_and_its_mirror_image_get_the_same_answer_which_lies_between_their_own(string engine)
    {
        var options = _folder.Options() with { Engine = engine };
        using var plain = VitExpressionModel.Load(options, []);
        using var flip = VitExpressionModel.Load(options with { TestTimeAugmentation = ModelOptions.Flip }, []);
        var face = Crops[4];
        var mirrored = new FaceCrop([.. face.Gray.Chunk(16).SelectMany(row => row.Reverse())]);

        var (both, alone, other) = (flip.Predict([face, mirrored]), plain.Predict([face])[0], plain.Predict([mirrored])[0]);
        var explained = flip.Predict([face with { WantsAttention = true }])[0];

        AssertClose(both[0], both[1]);
        AssertClose(both[0], explained);
        var mean = alone.Probabilities.Zip(other.Probabilities, (a, b) => Math.Sqrt(a * b)).ToList();
        Assert.All(both[0].Probabilities.Zip(mean), pair => Assert.Equal(pair.Second / mean.Sum(), pair.First, 1e-5));
        Assert.NotEqual(alone.Probabilities[0], both[0].Probabilities[0], 1e-4f);
    }

    [Theory]
    [InlineData(ModelOptions.LibTorch)]
    [InlineData(ModelOptions.OnnxRuntime)]
    public void With_flip_shift_a_face_gets_the_mean_of_ten_looks_at_it(string engine)
    {
        var options = _folder.Options() with { Engine = engine };
        using var plain = VitExpressionModel.Load(options, []);
        using var many = VitExpressionModel.Load(options with { TestTimeAugmentation = ModelOptions.FlipShift }, []);
        var face = Crops[4];

        // 2 of 48 pixels are 1 of this model's 16.
        var looks = new[] { (0, 0), (-1, 0), (1, 0), (0, -1), (0, 1) }
            .SelectMany(by => new[] { Look(face, by.Item1, by.Item2, false), Look(face, by.Item1, by.Item2, true) }).ToList();
        var each = looks.Select(look => plain.Predict([look])[0]).ToList();

        var answer = many.Predict([face, Look(face, 0, 0, true)]);

        // The softmax of mean logits is the normalised geometric mean.
        var mean = Enumerable.Range(0, 7).Select(c => Math.Exp(each.Average(p => Math.Log(p.Probabilities[c])))).ToList();
        Assert.All(answer[0].Probabilities.Zip(mean), pair => Assert.Equal(pair.Second / mean.Sum(), pair.First, 1e-5));
        AssertClose(answer[0], answer[1]);
        Assert.NotEqual(each[0].Probabilities[0], answer[0].Probabilities[0], 1e-4f);

        static FaceCrop Look(FaceCrop crop, int right, int down, bool mirrored)
        {
            var gray = new byte[256];
            for (var at = 0; at < gray.Length; at++)
            {
                var (x, y) = (at % 16, at / 16);
                gray[(y * 16) + (mirrored ? 15 - x : x)] = crop.Gray[(Math.Clamp(y - down, 0, 15) * 16) + Math.Clamp(x - right, 0, 15)];
            }

            return new FaceCrop(gray);
        }
    }

    [Fact]
    public void With_auto_a_short_queue_gets_more_looks_than_a_long_one_and_each_answer_says_which()
    {
        var options = _folder.Options();
        using var auto = VitExpressionModel.Load(options with { TestTimeAugmentation = ModelOptions.AutoViews }, []);
        using var plain = VitExpressionModel.Load(options, []);
        using var flip = VitExpressionModel.Load(options with { TestTimeAugmentation = ModelOptions.Flip }, []);
        using var many = VitExpressionModel.Load(options with { TestTimeAugmentation = ModelOptions.FlipShift }, []);
        FaceCrop[] one = [Crops[4]];

        var answers = new[] { 0, 2, 3, 15, 16, 500 }.Select(waiting => auto.Predict(one, waiting)[0]).ToList();

        Assert.Equal(["flip_shift", "flip_shift", "flip", "flip", "plain", "plain"], answers.Select(answer => answer.Views));
        AssertClose(many.Predict(one)[0], answers[0]);
        AssertClose(flip.Predict(one)[0], answers[2]);
        AssertClose(plain.Predict(one)[0], answers[5]);
        Assert.All(auto.Predict([.. Enumerable.Repeat(Crops[4], 17)], 0), answer => Assert.Equal("plain", answer.Views));
        Assert.Equal(("plain", "flip"), (plain.Predict(one)[0].Views, flip.Predict(one, 500)[0].Views));
    }

    [Fact]
    public void With_one_thread_a_batch_is_one_part_and_libtorch_has_one_too()
    {
        var before = get_num_threads();
        try
        {
            using var model = VitExpressionModel.Load(_folder.Options() with { Threads = 1 }, [4]);

            Assert.Equal(1, get_num_threads());
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [SkippableFact]
    public void Cuda_without_a_device_is_a_clear_error()
    {
        Skip.If(cuda.is_available(), "There is a CUDA device here.");

        var error = Assert.Throws<InvalidOperationException>(() => VitExpressionModel.Load(_folder.Options() with { Devices = "cuda:1" }, []));

        Assert.Contains("cuda:1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_a_clear_error()
    {
        var missing = Path.Combine(_folder.Path, "missing");

        var error = Assert.Throws<CheckpointException>(() => VitExpressionModel.Load(_folder.Options() with { Path = missing }, []));

        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_unknown_meaning_are_refused()
    {
        using var folder = new ModelFolder(ModelFolder.Config with { Labels = ["a", "b", "c", "d", "e", "f", "g"] });

        Assert.Throws<VitConfigException>(() => VitExpressionModel.Load(folder.Options(), []));
    }

    [Fact]
    public void The_probe_crops_are_the_same_every_time_and_unlike_each_other()
    {
        var (first, second) = (PrecisionTrial.Probe(16, 8), PrecisionTrial.Probe(16, 8));

        Assert.All(first.Zip(second), pair => Assert.Equal(pair.First.Gray, pair.Second.Gray));
        Assert.Equal(8, first.Select(c => Convert.ToHexString(c.Gray)).Distinct().Count());
    }

    private static void AssertClose(FacePrediction expected, FacePrediction actual) =>
        Assert.All(expected.Probabilities.Zip(actual.Probabilities), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
}
