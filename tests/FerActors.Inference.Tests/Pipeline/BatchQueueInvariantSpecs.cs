using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>Thousands of random operations, after each of which nothing may be lost, doubled, overtaken or mixed.</summary>
public sealed class BatchQueueInvariantSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 8)]
    [InlineData(4, 32)]
    public void No_face_is_lost_doubled_or_overtaken_and_the_lonely_stay_alone(int seed, int maxBatchSize)
    {
        var random = new Random(seed);
        var options = new BatchingOptions
        {
            MaxBatchSize = maxBatchSize,
            MaxQueueDelay = TimeSpan.FromMilliseconds(5),
            MaxQueueSize = 60,
            QueueTimeout = TimeSpan.FromMilliseconds(12),
            PreferredBatchSizes = maxBatchSize > 2 ? [2, maxBatchSize / 2] : [],
        };
        var queue = new BatchQueue<int>(options);
        var expected = new Dictionary<(int Image, int Face), bool>();
        var (now, images, taken, expired, requeued) = (Start, 0, 0, 0, 0);
        for (var step = 0; step < 5000; step++)
        {
            now += TimeSpan.FromMilliseconds(random.Next(0, 3));
            switch (random.Next(8))
            {
                case < 4:
                    var (faces, alone) = (random.Next(1, 12), random.Next(6) == 0);
                    Assert.Equal(expected.Count < options.MaxQueueSize, queue.TryEnqueue(images, faces, alone, now));
                    if (queue.Count > expected.Count)
                    {
                        Enumerable.Range(0, faces).ToList().ForEach(face => expected.Add((images, face), alone));
                    }

                    images++;
                    break;
                case < 7:
                    if (queue.TryTake(now) is { } batch)
                    {
                        CheckBatch(batch, expected, options);
                        if (random.Next(10) == 0)
                        {
                            queue.Requeue(batch);
                            batch.ToList().ForEach(f => expected[(f.Image, f.Face)] = true);
                            requeued++;
                        }
                        else
                        {
                            batch.ToList().ForEach(f => Assert.True(expected.Remove((f.Image, f.Face))));
                            taken++;
                        }
                    }

                    break;
                default:
                    foreach (var image in queue.TakeExpired(now))
                    {
                        Assert.NotEmpty(expected.Keys.Where(k => k.Image == image).Select(expected.Remove).ToList());
                        expired++;
                    }

                    break;
            }

            Assert.Equal(expected.Count, queue.Count);
            Assert.Equal(expected.Count == 0, queue.UntilDue(now) is null);
        }

        now += options.MaxQueueDelay;
        while (queue.TryTake(now) is { } rest)
        {
            CheckBatch(rest, expected, options);
            rest.ToList().ForEach(f => Assert.True(expected.Remove((f.Image, f.Face))));
        }

        Assert.Empty(expected);
        Assert.True(taken > 100 && expired > 10 && requeued > 10, $"{taken} batches, {expired} expired, {requeued} requeued");
    }

    private static void CheckBatch(
        IReadOnlyList<WaitingFace<int>> batch, Dictionary<(int Image, int Face), bool> expected, BatchingOptions options)
    {
        Assert.InRange(batch.Count, 1, options.MaxBatchSize);
        var head = expected.Keys.Order().Take(batch.Count);
        Assert.Equal(head, batch.Select(f => (f.Image, f.Face)));
        Assert.All(batch, f => Assert.Equal(expected[(f.Image, f.Face)], f.Alone));
        Assert.True(batch.All(f => !f.Alone) || batch.Select(f => f.Image).Distinct().Count() == 1);
    }
}
