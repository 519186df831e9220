using FerActors.Inference.Models;
using FerActors.Shared.Options;

namespace FerActors.Inference.Tests.Models;

/// <summary>With the real engines, whichever is the faster here.</summary>
public sealed class EngineChoiceSpecs : IDisposable
{
    private static readonly string[] Engines = ["libtorch fp32", "libtorch bf16", "onnxruntime fp32"];

    private readonly ModelFolder _folder = new();
    private readonly string _cache = Directory.CreateTempSubdirectory("fer-engines-").FullName;

    private ModelOptions Auto => _folder.Options("auto") with { Engine = ModelOptions.AutoEngine, EngineCache = _cache };

    private static IReadOnlyList<FaceCrop> Crops => PrecisionTrial.Probe(16, 9);

    [Fact]
    public void Auto_answers_as_libtorch_does_and_says_which_engine_takes_which_batches()
    {
        using var exact = VitExpressionModel.Load(_folder.Options(), []);
        using var auto = VitExpressionModel.Load(Auto, [1, 9]);

        Assert.Equal(["1", "2-4", "5-8", "9"], auto.Engines.Classes.Select(c => c.Sizes));
        Assert.All(auto.Engines.Classes, c => Assert.Contains(c.Engine, Engines));
        Assert.All(auto.Engines.Classes, c => Assert.Equal(2, c.Milliseconds.Count));
        Assert.Empty(auto.Engines.Warnings);
        Assert.False(auto.Engines.Cached);
        foreach (var count in new[] { 1, 3, 8, 9 })
        {
            var crops = Crops.Take(count).ToList();
            AssertNear(exact.Predict(crops), auto.Predict(crops));
        }
    }

    [Fact]
    public void The_next_start_takes_the_choice_of_the_first()
    {
        using var first = VitExpressionModel.Load(Auto, [4]);
        using var second = VitExpressionModel.Load(Auto, [4]);
        using var larger = VitExpressionModel.Load(Auto, [8]);

        Assert.True(second.Engines.Cached);
        Assert.Equal(first.Engines.Classes.Select(c => (c.Sizes, c.Engine)), second.Engines.Classes.Select(c => (c.Sizes, c.Engine)));
        Assert.EndsWith(", as measured at an earlier start.", second.Engines.Sentence, StringComparison.Ordinal);
        Assert.Equal(first.Predict(Crops.Take(4).ToList())[0].Probabilities, second.Predict(Crops.Take(4).ToList())[0].Probabilities);
        Assert.False(larger.Engines.Cached);
    }

    [Fact]
    public void A_damaged_cache_is_warned_of_and_the_engines_are_measured_again()
    {
        VitExpressionModel.Load(Auto, [2]).Dispose();
        var file = Assert.Single(Directory.GetFiles(_cache));
        File.WriteAllText(file, File.ReadAllText(file).Replace("libtorch", "libtarch", StringComparison.Ordinal).Replace("onnxruntime fp32", "x", StringComparison.Ordinal));

        using var model = VitExpressionModel.Load(Auto, [2]);

        Assert.False(model.Engines.Cached);
        Assert.Contains("damaged", Assert.Single(model.Engines.Warnings), StringComparison.Ordinal);
        using var next = VitExpressionModel.Load(Auto, [2]);
        Assert.True(next.Engines.Cached);
    }

    [Fact]
    public void A_cached_choice_of_an_engine_that_does_not_agree_is_not_believed()
    {
        VitExpressionModel.Load(Auto, [2]).Dispose();
        var file = Assert.Single(Directory.GetFiles(_cache));
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(file))!;
        (json["home"], json["engines"]) = ("libtorch bf16", new System.Text.Json.Nodes.JsonArray("onnxruntime fp32", "libtorch bf16"));
        File.WriteAllText(file, json.ToJsonString());

        using var model = VitExpressionModel.Load(Auto with { ParityTolerance = 1e-12 }, [2]);

        Assert.False(model.Engines.Cached);
        Assert.All(model.Engines.Classes, c => Assert.Equal("libtorch fp32", c.Engine));
        Assert.StartsWith("onnxruntime fp32 is left out: its probabilities differ", Assert.Single(model.Engines.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_choice_without_an_engine_that_was_left_out_is_not_kept()
    {
        using var model = VitExpressionModel.Load(Auto with { ParityTolerance = 1e-12 }, [2]);

        Assert.Empty(Directory.GetFiles(_cache));
    }

    [Fact]
    public void With_bf16_asked_for_no_engine_without_it_is_tried()
    {
        using var model = VitExpressionModel.Load(Auto with { Precision = "bf16" }, [2]);

        Assert.All(model.Engines.Classes, c => Assert.Equal("libtorch bf16", c.Engine));
    }

    [Theory]
    [InlineData(ModelOptions.AutoEngine)]
    [InlineData(ModelOptions.LibTorch)]
    [InlineData(ModelOptions.OnnxRuntime)]
    public void A_model_over_the_same_weights_answers_alike_at_the_same_time_and_after_the_first_is_gone(string engine)
    {
        var first = VitExpressionModel.Load(Auto with { Engine = engine }, [9]);
        using var second = first.Another();
        using var third = second.Another();
        var expected = first.Predict(Crops);

        var answers = new VitExpressionModel[] { first, second, third }
            .Select(model => Task.Factory.StartNew(
                () => Enumerable.Range(0, 30).Select(_ => model.Predict(Crops)).ToList(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToList();
        Assert.All(answers.SelectMany(answer => answer.GetAwaiter().GetResult()), answer => AssertNear(expected, answer, 1e-4f));
        first.Dispose();

        AssertNear(expected, second.Predict(Crops), 1e-4f);
        AssertNear(expected, third.Predict(Crops), 1e-4f);
    }

    public void Dispose()
    {
        _folder.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    private static void AssertNear(IReadOnlyList<FacePrediction> expected, IReadOnlyList<FacePrediction> actual, float within = 0.2f) => Assert.All(
        expected.Zip(actual), pair => Assert.All(pair.First.Probabilities.Zip(pair.Second.Probabilities), p => Assert.Equal(p.First, p.Second, within)));
}
