using FerActors.Testing.Files;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class DistillationSpecs : IDisposable
{
    private static readonly PreprocessorConfig Student = PreprocessorConfig.For(ModelPresets.Get(ModelPresets.Tiny));
    private static readonly ChannelTransform Basis = Student.ChannelTransforms()[0];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_gets_each_channel_s_own_normalisation_and_its_own_size()
    {
        double[] mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225];
        var target = PreprocessorConfig.For(SmallRun.Plain) with { ImageMean = mean, ImageStd = deviation };
        using var scope = NewDisposeScope();
        using var input = new ModelInput(Basis, target, side: 96, CPU);
        var gray = rand([2, 1, 48, 48], generator: new Generator(1));

        var actual = input.From((gray * 2) - 1);

        var large = nn.functional.interpolate(gray, [96, 96], mode: InterpolationMode.Bilinear, align_corners: false);
        var expected = cat(mean.Zip(deviation, (m, d) => (large - m) / d).ToList(), 1);
        Assert.Equal([2, 3, 96, 96], actual.shape);
        Assert.InRange((actual - expected).abs().max().item<float>(), 0, 1e-5);
    }

    [Fact]
    public void A_model_like_the_batch_gets_its_very_values()
    {
        using var scope = NewDisposeScope();
        using var input = new ModelInput(Basis, PreprocessorConfig.For(ModelPresets.Get(ModelPresets.Tiny)), side: 48, CPU);
        var pixels = rand([2, 1, 48, 48]);

        Assert.Equal(SmallRun.Values(pixels), SmallRun.Values(input.From(pixels)));
    }

    [Fact]
    public void Teachers_are_averaged_at_the_temperature_in_the_order_of_FER2013()
    {
        string[] alphabetical = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
        var first = SmallRun.Save(_folder, "first", SmallRun.Plain with { ImageSize = 48 }, seed: 1);
        var second = SmallRun.Save(_folder, "second", SmallRun.Plain with { ImageSize = 48, Labels = alphabetical }, seed: 2);
        using var scope = NewDisposeScope();
        using var ensemble = new TeacherEnsemble([first, second], Student, ScalarType.Float32, CPU);
        var pixels = rand([3, 1, 48, 48], generator: new Generator(2));

        var actual = SmallRun.Values(ensemble.Probabilities(pixels, 2.5)!);

        var (a, b) = (Softened(first), Softened(second));
        int[] order = [0, 1, 2, 3, 5, 6, 4];
        var expected = Enumerable.Range(0, 3).SelectMany(row => order.Select((output, e) => (a[(row * 7) + e] + b[(row * 7) + output]) / 2));
        SmallRun.AssertClose(expected, actual, 1e-6);
        Assert.Equal(2, ensemble.WeightsSha256.Distinct().Count());

        float[] Softened(string folder)
        {
            using var checkpoint = VitCheckpoint.Load(folder);
            return SmallRun.Values((checkpoint.Model.Forward(pixels.expand(-1, 3, -1, -1)) / 2.5).softmax(1));
        }
    }

    [Fact]
    public void Without_teachers_there_are_no_probabilities()
    {
        using var ensemble = new TeacherEnsemble([], Student, ScalarType.Float32, CPU);
        using var pixels = rand([1, 1, 48, 48]);

        Assert.Null(ensemble.Probabilities(pixels, 4));
    }

    [Fact]
    public void Teachers_that_are_asked_once_answer_for_each_image_and_its_mirror_image()
    {
        var folder = SmallRun.Save(_folder, "teacher", SmallRun.Plain with { ImageSize = 48, InitializerRange = 0.5 }, seed: 3);
        using var scope = NewDisposeScope();
        using var ensemble = new TeacherEnsemble([folder], Student, ScalarType.Float32, CPU);
        using var teacher = VitCheckpoint.Load(folder);
        var data = TinyRun.Data(TeacherEnsemble.BatchSize + 5);
        var answered = new List<int>();

        var actual = ensemble.Answers(data, 2.5, answered.Add, CancellationToken.None);

        Assert.Equal([TeacherEnsemble.BatchSize, data.Count], answered);
        foreach (var image in new[] { 0, TeacherEnsemble.BatchSize - 1, data.Count - 1 })
        {
            var planes = new float[3 * FerDataset.Side * FerDataset.Side];
            new GrayNormalisation(teacher.Preprocessor).Apply(data.Pixels(image), planes);
            var pixels = tensor(planes, [1, 3, FerDataset.Side, FerDataset.Side]);
            var both = cat([teacher.Model.Forward(pixels), teacher.Model.Forward(pixels.flip(3))]);
            SmallRun.AssertClose(SmallRun.Values((both / 2.5).softmax(1).mean([0])), actual.AsSpan(image * 7, 7).ToArray(), 1e-5);
        }
    }

    [Fact]
    public void Teachers_stop_answering_when_nobody_waits()
    {
        var folder = SmallRun.Save(_folder, "teacher", SmallRun.Plain with { ImageSize = 48 }, seed: 3);
        using var ensemble = new TeacherEnsemble([folder], Student, ScalarType.Float32, CPU);

        Assert.Throws<OperationCanceledException>(() => ensemble.Answers(TinyRun.Data(3), 1, _ => { }, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_run_whose_teachers_were_asked_once_goes_on_with_their_answers()
    {
        var options = TinyRun.Options with
        {
            Mix = new MixOptions { Probability = 0.5 },
            Distillation = new DistillationOptions
            {
                Teachers = [SmallRun.Save(_folder, "teacher", SmallRun.Plain with { ImageSize = 48, InitializerRange = 0.5 }, seed: 9)],
                View = DistillationOptions.Plain,
            },
        };
        var sentences = new List<string>();
        using var whole = await SmallRun.RunAsync(
            _folder, "whole", options, new SmallRun.Listener(p => sentences.AddRange(p.Warning is { } sentence ? [sentence] : [])));
        Assert.Equal([$"The teachers have answered to {SmallRun.Train.Count} of {SmallRun.Train.Count} images."], sentences);
        await SmallRun.BreakOffAsync(_folder, "halves", options, afterStep: 3);
        var reports = new List<TrainingProgress>();

        using var continued = await SmallRun.RunAsync(_folder, "halves", options, new SmallRun.Listener(reports.Add));

        Assert.DoesNotContain(reports, p => p.Warning is not null);
        Assert.Equal(TinyRun.Weights(whole.Model), TinyRun.Weights(continued.Model));

        using var without = await SmallRun.RunAsync(_folder, "without", options with { Distillation = new DistillationOptions() });
        Assert.NotEqual(TinyRun.Weights(whole.Model), TinyRun.Weights(without.Model));
    }

    [Theory]
    [InlineData(DistillationOptions.Augmented)]
    [InlineData(DistillationOptions.Plain)]
    public async Task A_student_that_hears_its_teacher_alone_comes_to_answer_as_it_does(string view)
    {
        var config = SmallRun.Plain with { ImageSize = 48, NumChannels = 1, InitializerRange = 0.5 };
        var teacher = SmallRun.Save(_folder, "teacher", config, seed: 9);
        var student = SmallRun.Save(_folder, "student", config, seed: 10);
        var options = SmallRun.Options with
        {
            InitFrom = student,
            Epochs = 40,
            LearningRate = 1e-2,
            EmaDecay = 0.5,
            Mix = new MixOptions { Probability = 0.5 },
            Distillation = new DistillationOptions { Teachers = [teacher], View = view, Alpha = 1, Temperature = 1 },
        };
        using var untrained = VitCheckpoint.Load(student);
        using var taught = VitCheckpoint.Load(teacher);

        using var trained = await SmallRun.RunAsync(_folder, "run", options);

        var before = Disagreement(untrained.Model, taught.Model);
        var after = Disagreement(trained.Model, taught.Model);
        Assert.True(after < before / 3, $"from {before} to {after}");
    }

    // Mean difference of the probabilities on the training images.
    private static double Disagreement(Vit left, Vit right)
    {
        var preprocessor = PreprocessorConfig.For(right.Config);
        using var scope = NewDisposeScope();
        Tensor Probabilities(Vit model)
        {
            var predictions = ModelEvaluation.Predict(model, preprocessor, SmallRun.Train, flip: false);
            return tensor(Enumerable.Range(0, predictions.Count).SelectMany(i => predictions.Logits(i).ToArray()).ToArray(), [predictions.Count, 7])
                .softmax(1);
        }

        return (Probabilities(left) - Probabilities(right)).abs().mean().item<float>();
    }
}
