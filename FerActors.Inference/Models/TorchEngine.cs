using FerActors.Inference.Engines;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>libtorch, in the type and on the device of the weights. Instances on one device share the weights: in inference mode no pass changes them.</summary>
internal sealed class TorchEngine(Shared<Vit> weights, PassThreads threads) : IForwardEngine
{
    /// <summary>The name of this engine with weights of a type.</summary>
    public static string NameOf(ScalarType type) => type == ScalarType.BFloat16 ? "libtorch bf16" : "libtorch fp32";

    public string Name => NameOf(Model.DType);

    /// <summary>The network, for passes that keep attention or gradients.</summary>
    public Vit Model => weights.Value;

    /// <summary>Threads of libtorch for a pass that is not cut into parts.</summary>
    public int ThreadsOfAPart => threads.Plan(images: 1).ThreadsEach;

    public (float[] Logits, float[] Embeddings) Run(float[] planes, int count)
    {
        var image = planes.Length / count;
        var parts = threads.Run(count, (start, images) => Part(planes[(start * image)..((start + images) * image)], images));
        return (Joined(parts, part => part.Logits), Joined(parts, part => part.Embeddings));
    }

    /// <summary>Finds out whether a single image is computed faster by all threads together.</summary>
    public void TryThreads()
    {
        var blank = new float[Model.Config.NumChannels * Model.Config.ImageSize * Model.Config.ImageSize];
        threads.Try(() => threads.Run(1, (_, count) => Part(blank, count)));
    }

    public IForwardEngine Share() => Share(threads.Count);

    /// <summary>An engine of the same weights with another number of threads.</summary>
    public TorchEngine Share(int count) => new(weights.Share(), count == threads.Count ? threads.Another() : new PassThreads(count));

    /// <summary>Normalised images on the device.</summary>
    public Tensor Pixels(float[] planes, int count) =>
        tensor(planes, [count, Model.Config.NumChannels, Model.Config.ImageSize, Model.Config.ImageSize], device: Model.Device);

    public void Dispose()
    {
        threads.Dispose();
        weights.Dispose();
    }

    private (float[] Logits, float[] Embeddings) Part(float[] planes, int count)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var (logits, embeddings) = Model.ForwardWithEmbedding(Pixels(planes, count));
        return (logits.cpu().data<float>().ToArray(), embeddings.cpu().data<float>().ToArray());
    }

    private static float[] Joined<T>(T[] parts, Func<T, float[]> values) => parts.Length == 1 ? values(parts[0]) : [.. parts.SelectMany(values)];
}
