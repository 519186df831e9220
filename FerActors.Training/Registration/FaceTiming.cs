using System.Diagnostics;
using FerActors.Shared.Registry;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Registration;

/// <summary>Times a model on this machine's CPU and refuses one that answers with anything but numbers.</summary>
internal static class FaceTiming
{
    private const int Batch = 8;
    private const int Passes = 3;

    /// <summary>Milliseconds a face: the median of three passes of eight faces after one to warm up.</summary>
    /// <exception cref="ModelStoreException">An output is not finite.</exception>
    public static double Measure(Vit model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var config = model.Config;
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var pixels = linspace(-1, 1, Batch * config.NumChannels * config.ImageSize * config.ImageSize)
            .view(Batch, config.NumChannels, config.ImageSize, config.ImageSize);
        if (!model.Forward(pixels).cpu().data<float>().ToArray().All(float.IsFinite))
        {
            throw new ModelStoreException(RegistryCode.Invalid, "The model answers a plain gradient with values that are not finite.");
        }

        var times = new double[Passes];
        for (var pass = 0; pass < Passes; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            using var logits = model.Forward(pixels);
            times[pass] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / Batch;
        }

        return times.Order().ElementAt(Passes / 2);
    }
}
