using System.Threading.Channels;
using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Vision.Model;

namespace FerActors.Training.Engine;

/// <summary>One batch, ready for the device.</summary>
/// <param name="Index">Its number within the epoch.</param>
/// <param name="Pixels">Normalised values, batch x 1 x side x side.</param>
/// <param name="Targets">Soft targets, batch x 7; each row sums to 1.</param>
public sealed record TrainingBatch(int Index, float[] Pixels, float[] Targets);

/// <summary>Prepares an epoch's batches ahead of the training loop, on one thread, so that the two cores are seldom idle.</summary>
/// <param name="data">Training images.</param>
/// <param name="options">Batch size, augmentation, smoothing, mixup and the seed.</param>
/// <param name="side">Side of the model's input in pixels.</param>
/// <param name="normalisation">The model's mean and deviation.</param>
internal sealed class BatchFeeder(FerDataset data, TrainingOptions options, int side, GrayNormalisation normalisation)
{
    private const int Ahead = 4;

    public int BatchesPerEpoch => data.Count / options.BatchSize;

    /// <summary>The batches of one epoch from a given one on. Cancelling ends the sequence with the usual exception.</summary>
    public IAsyncEnumerable<TrainingBatch> ReadEpoch(int epoch, int firstBatch, CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<TrainingBatch>(new BoundedChannelOptions(Ahead) { SingleReader = true, SingleWriter = true });
        _ = Task.Factory.StartNew(
            async () =>
            {
                try
                {
                    var order = new EpochSampler((ulong)options.Seed, data.Count).Permutation(epoch);
                    for (var batch = firstBatch; batch < BatchesPerEpoch; batch++)
                    {
                        await channel.Writer.WriteAsync(Prepare(epoch, batch, order), cancellation);
                    }

                    channel.Writer.Complete();
                }
                catch (Exception e)
                {
                    channel.Writer.Complete(e);
                }
            },
            cancellation,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        return channel.Reader.ReadAllAsync(cancellation);
    }

    private TrainingBatch Prepare(int epoch, int batch, int[] order)
    {
        var size = options.BatchSize;
        var area = side * side;
        var pixels = new float[size * area];
        var targets = new float[size * ExpressionNames.Count];
        var augmenter = new CropAugmenter(options.Augmentation, side);
        for (var i = 0; i < size; i++)
        {
            var image = order[(batch * size) + i];
            var random = new SeededRandom((ulong)options.Seed, (ulong)epoch, (ulong)image);
            augmenter.Apply(data.Pixels(image), pixels.AsSpan(i * area, area), ref random);
            var target = targets.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count);
            target.Fill((float)(options.LabelSmoothing / ExpressionNames.Count));
            target[(int)data.Label(image)] += (float)(1 - options.LabelSmoothing);
        }

        normalisation.Apply(pixels);
        return options.MixupAlpha > 0 ? Mix(epoch, batch, pixels, targets) : new TrainingBatch(batch, pixels, targets);
    }

    private TrainingBatch Mix(int epoch, int batch, float[] pixels, float[] targets)
    {
        var mix = new MixSampler((ulong)options.Seed, options.MixupAlpha).Sample(epoch, batch, options.BatchSize, side);
        var lambda = (float)mix.Lambda;
        return new TrainingBatch(batch, Blend(pixels), Blend(targets));

        float[] Blend(float[] source)
        {
            var width = source.Length / options.BatchSize;
            var blended = new float[source.Length];
            for (var i = 0; i < options.BatchSize; i++)
            {
                var own = source.AsSpan(i * width, width);
                var other = source.AsSpan(mix.Partners[i] * width, width);
                var result = blended.AsSpan(i * width, width);
                for (var k = 0; k < width; k++)
                {
                    result[k] = (lambda * own[k]) + ((1 - lambda) * other[k]);
                }
            }

            return blended;
        }
    }
}
