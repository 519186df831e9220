using System.Diagnostics;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Testing.Servers;
using FerActors.Training.Hub;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Hub;

/// <summary>What comes from the Hub loads: with the names of public checkpoints, at a small width here.</summary>
public sealed class HubCheckpointSpecs(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_bare_backbone_of_ImageNet_21k_gets_a_fresh_head_for_the_seven_expressions()
    {
        var snapshot = await Fetch(PublicForms.Small, classifier: false);

        Assert.Throws<CheckpointException>(() => VitCheckpoint.Load(snapshot.Folder));
        using var loaded = VitCheckpoint.Load(
            snapshot.Folder, new VitLoadOptions(AllowFreshClassifier: true, InterpolatePositions: false, Labels: LabelMap.Fer2013Labels));

        Assert.True(loaded.FreshClassifier);
        Assert.Equal([7, 24], loaded.Model.Tensors[CheckpointKeys.ClassifierWeight].shape);
        using var file = SafetensorsFile.Open(Path.Combine(snapshot.Folder, "model.safetensors"));
        var query = CheckpointKeys.InLayer(1, "attention.attention.query.weight");
        Assert.Equal(file.ReadAsFloat32(query["vit.".Length..]), loaded.Model.Tensors[query].data<float>().ToArray());
    }

    [Fact]
    public async Task Seven_labels_in_alphabetical_order_are_told_by_name()
    {
        var snapshot = await Fetch(PublicForms.Small, classifier: true);

        using var loaded = VitCheckpoint.Load(snapshot.Folder);
        var map = LabelMap.Create(loaded.Model.Config.Labels);

        Assert.False(loaded.FreshClassifier);
        Assert.False(map.IsIdentity);
        Assert.Equal(
            [Expression.Angry, Expression.Disgust, Expression.Fear, Expression.Happy, Expression.Neutral, Expression.Sad, Expression.Surprise],
            map.OutputToExpression.Select(number => (Expression)number));
    }

    /// <summary>ViT-B/16 as it is, 343 MB each: set FER_FULL_SHAPES=1 to run it. Prints the memory that loading and serving take.</summary>
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_real_shapes_of_ViT_B_16_load_and_serve(bool classifier)
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("FER_FULL_SHAPES") == "1", "FER_FULL_SHAPES is not 1.");
        var snapshot = await Fetch(PublicForms.Base, classifier);
        var watch = Stopwatch.StartNew();

        using var loaded = VitCheckpoint.Load(
            snapshot.Folder, new VitLoadOptions(AllowFreshClassifier: !classifier, InterpolatePositions: false, Labels: classifier ? null : LabelMap.Fer2013Labels));
        var seconds = watch.Elapsed.TotalSeconds;
        using var noGrad = inference_mode();
        using var logits = loaded.Model.Forward(zeros(8, 3, 224, 224));

        Assert.Equal(85_804_039, loaded.Model.Tensors.Values.Sum(t => t.numel()));
        Assert.Equal([8, 7], logits.shape);
        using var process = Process.GetCurrentProcess();
        output.WriteLine($"load {seconds:0.0} s, resident {process.WorkingSet64 >> 20} MiB, peak {process.PeakWorkingSet64 >> 20} MiB");
    }

    private async Task<HubSnapshot> Fetch(PublicForms form, bool classifier)
    {
        await using var hub = (await FakeHub.StartAsync())
            .With("config.json", form.Config(classifier))
            .With("preprocessor_config.json", form.PreprocessorJson)
            .With("model.safetensors", form.Weights(classifier), large: true);
        using var client = new HubClient(new HubOptions { Endpoint = hub.Address, CacheFolder = _folder.Root });
        return await client.FetchAsync(HubModelId.Parse("acme/face-vit"));
    }
}
