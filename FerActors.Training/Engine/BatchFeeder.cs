using System.Collections.Concurrent;
using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Vision.Model;

namespace FerActors.Training.Engine;

/// <summary>One batch, ready for the device.</summary>
/// <param name="Index">Its number within the epoch.</param>
/// <param name="Pixels">Normalised values, batch x 1 x side x side.</param>
/// <param name="Targets">Soft targets, batch x 7; each row sums to 1.</param>
/// <param name="Teachers">What teachers answered beforehand, batch x 7; <see langword="null"/> where none did.</param>
public sealed record TrainingBatch(int Index, float[] Pixels, float[] Targets, float[]? Teachers);

/// <summary>Prepares an epoch's batches ahead of the training loop, on one thread, so that the two cores are seldom idle.</summary>
/// <param name="data">Training images.</param>
/// <param name="options">Batch size, labels, augmentation, smoothing, mixup and the seed.</param>
/// <param name="side">Side of the batch's images in pixels.</param>
/// <param name="normalisation">The model's mean and deviation, of which channel 0 is used; <see cref="ModelInput"/> does the rest.</param>
/// <param name="teachers">What teachers answered to each image of the data beforehand, images x 7; <see langword="null"/> where none did.</param>
internal sealed class BatchFeeder(
    FerDataset data, TrainingOptions options, int side, GrayNormalisation normalisation, float[]? teachers = null)
{
    private const int Ahead = 4;

    private readonly TrainingTargets _targets = new(data, options);

    public int BatchesPerEpoch => data.Count / options.BatchSize;

    /// <summary>The batches of one epoch from a given one on, prepared ahead; the enumeration itself blocks its thread.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<TrainingBatch> ReadEpoch(int epoch, int firstBatch, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var ready = new BlockingCollection<TrainingBatch>(Ahead);
        var producer = Task.Factory.StartNew(
            () => Produce(epoch, firstBatch, ready, ended.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            foreach (var batch in ready.GetConsumingEnumerable(cancellation))
            {
                yield return batch;
            }
        }
        finally
        {
            // However the enumeration ends, nobody writes into the collection when it is disposed.
            ended.Cancel();
            Task.WaitAny([producer], CancellationToken.None);
            _ = producer.Exception;
        }

        // The producer may notice the cancellation before the consumer does, and ends the sequence then.
        if (producer.IsFaulted)
        {
            cancellation.ThrowIfCancellationRequested();
        }

        // A failure of the producer ends the sequence early; it must not look like the end of the epoch.
        producer.GetAwaiter().GetResult();
    }

    private void Produce(int epoch, int firstBatch, BlockingCollection<TrainingBatch> ready, CancellationToken cancellation)
    {
        try
        {
            var order = EpochSampler.Balanced((ulong)options.Seed, _targets.Labels, options.BalancedSampling).Order(epoch);
            for (var batch = firstBatch; batch < BatchesPerEpoch; batch++)
            {
                ready.Add(Prepare(epoch, batch, order), cancellation);
            }
        }
        finally
        {
            ready.CompleteAdding();
        }
    }

    private TrainingBatch Prepare(int epoch, int batch, int[] order)
    {
        var size = options.BatchSize;
        var area = side * side;
        var pixels = new float[size * area];
        var targets = new float[size * ExpressionNames.Count];
        var answers = teachers is null ? null : new float[size * ExpressionNames.Count];
        var augmenter = new CropAugmenter(options.Augmentation, side);
        for (var i = 0; i < size; i++)
        {
            var place = (batch * size) + i;
            var image = order[place];
            var random = SeededRandom.For((ulong)options.Seed, RandomPurpose.Augmentation, epoch, place);
            augmenter.Apply(data.Pixels(image), pixels.AsSpan(i * area, area), ref random);
            _targets.Write(image, targets.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count));
            teachers?.AsSpan(image * ExpressionNames.Count, ExpressionNames.Count).CopyTo(answers.AsSpan(i * ExpressionNames.Count));
        }

        normalisation.Apply(pixels);
        var plan = new MixSampler((ulong)options.Seed, options.Mix, side).Plan(epoch, batch, size);
        return new TrainingBatch(
            batch,
            BatchMixer.Pixels(plan, pixels, side),
            BatchMixer.Targets(plan, targets),
            answers is null ? null : BatchMixer.Targets(plan, answers));
    }
}
