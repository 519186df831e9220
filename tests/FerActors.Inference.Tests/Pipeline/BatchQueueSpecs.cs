using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;

namespace FerActors.Inference.Tests.Pipeline;

public sealed class BatchQueueSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly BatchingOptions Options = new()
    {
        MaxBatchSize = 4,
        MaxQueueDelay = TimeSpan.FromMilliseconds(10),
        MaxQueueSize = 8,
        QueueTimeout = TimeSpan.FromSeconds(1),
    };

    [Fact]
    public void An_empty_queue_has_no_batch_and_is_never_due()
    {
        var queue = new BatchQueue<string>(Options);

        Assert.Equal(0, queue.Count);
        Assert.Null(queue.TryTake(Start));
        Assert.Null(queue.UntilDue(Start));
        Assert.Null(queue.UntilExpired(Start));
        Assert.Empty(queue.TakeExpired(Start));
    }

    [Fact]
    public void A_full_batch_goes_at_once()
    {
        var queue = Queue(Options, ("a", 1), ("b", 1), ("c", 1));
        Assert.Null(queue.TryTake(Start));

        queue.TryEnqueue("d", 1, alone: false, Start);

        Assert.Equal("a0 b0 c0 d0", Take(queue, Start));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void Less_than_a_full_batch_waits_for_the_delay_and_not_longer()
    {
        var queue = Queue(Options, ("a", 1));
        queue.TryEnqueue("b", 2, alone: false, At(6));

        Assert.Null(queue.TryTake(At(9.9)));
        Assert.Equal("a0 b0 b1", Take(queue, At(10)));
    }

    [Fact]
    public void Without_a_delay_whatever_waits_goes_at_once()
    {
        var queue = Queue(Options with { MaxQueueDelay = TimeSpan.Zero }, ("a", 1));

        Assert.Equal(TimeSpan.Zero, queue.UntilDue(Start));
        Assert.Equal("a0", Take(queue, Start));
    }

    [Fact]
    public void The_largest_preferred_size_that_is_reached_goes_without_waiting()
    {
        var options = Options with { PreferredBatchSizes = [2, 3] };
        var queue = Queue(options, ("a", 1));
        Assert.Null(queue.TryTake(Start));

        queue.TryEnqueue("b", 2, alone: false, Start);

        Assert.Equal("a0 b0 b1", Take(queue, Start));
    }

    [Fact]
    public void What_exceeds_a_preferred_size_waits_on()
    {
        var queue = Queue(Options with { PreferredBatchSizes = [2] }, ("a", 3));

        Assert.Equal("a0 a1", Take(queue, Start));
        Assert.Null(queue.TryTake(Start));
        Assert.Equal("a2", Take(queue, At(10)));
    }

    [Fact]
    public void A_batch_that_is_due_takes_all_that_fit_rather_than_a_preferred_size()
    {
        var queue = Queue(Options with { PreferredBatchSizes = [2] }, ("a", 3));

        Assert.Equal("a0 a1 a2", Take(queue, At(10)));
    }

    [Fact]
    public void An_image_larger_than_a_batch_spans_several()
    {
        var queue = Queue(Options, ("a", 6), ("b", 1));

        Assert.Equal("a0 a1 a2 a3", Take(queue, Start));
        Assert.Null(queue.TryTake(Start));
        Assert.Equal("a4 a5 b0", Take(queue, At(10)));
    }

    [Fact]
    public void An_image_that_must_be_alone_waits_for_nobody_and_shares_with_nobody()
    {
        var queue = new BatchQueue<string>(Options);
        queue.TryEnqueue("a", 2, alone: true, Start);
        queue.TryEnqueue("b", 1, alone: true, Start);
        queue.TryEnqueue("c", 1, alone: false, Start);

        Assert.Equal("a0 a1", Take(queue, Start));
        Assert.Equal("b0", Take(queue, Start));
        Assert.Null(queue.TryTake(Start));
        Assert.Equal("c0", Take(queue, At(10)));
    }

    [Fact]
    public void An_image_that_must_be_alone_spans_several_batches_of_its_own()
    {
        var queue = new BatchQueue<string>(Options);
        queue.TryEnqueue("a", 5, alone: true, Start);
        queue.TryEnqueue("b", 1, alone: false, Start);

        Assert.Equal("a0 a1 a2 a3", Take(queue, Start));
        Assert.Equal("a4", Take(queue, Start));
    }

    [Fact]
    public void Faces_before_one_that_must_be_alone_have_nothing_to_wait_for()
    {
        var queue = Queue(Options, ("a", 1), ("b", 1));
        queue.TryEnqueue("c", 1, alone: true, Start);

        Assert.Equal("a0 b0", Take(queue, Start));
        Assert.Equal("c0", Take(queue, Start));
    }

    [Fact]
    public void A_full_queue_takes_no_further_image()
    {
        var queue = Queue(Options, ("a", 7));

        Assert.True(queue.TryEnqueue("b", 3, alone: false, Start));
        Assert.False(queue.TryEnqueue("c", 1, alone: false, Start));
        Assert.Equal(10, queue.Count);
    }

    [Fact]
    public void An_expired_face_takes_all_waiting_faces_of_its_image_with_it()
    {
        var queue = Queue(Options, ("a", 6));
        Take(queue, Start);
        queue.TryEnqueue("b", 1, alone: false, At(500));

        Assert.Empty(queue.TakeExpired(At(999)));
        Assert.Equal(["a"], queue.TakeExpired(At(1000)));
        Assert.Equal(1, queue.Count);
        Assert.Equal("b0", Take(queue, At(1000)));
    }

    [Fact]
    public void Faces_of_a_failed_batch_return_to_the_head_each_image_alone()
    {
        var queue = Queue(Options, ("a", 1), ("b", 2), ("c", 1));
        var failed = queue.TryTake(Start)!;
        queue.TryEnqueue("d", 1, alone: false, Start);

        queue.Requeue(failed);

        Assert.Equal(["a0", "b0 b1", "c0"], Enumerable.Range(0, 3).Select(_ => Take(queue, Start)));
        Assert.Equal("d0", Take(queue, At(10)));
    }

    [Fact]
    public void Faces_of_images_that_need_no_answer_are_removed_wherever_they_stand()
    {
        var queue = Queue(Options, ("a", 1), ("b", 2), ("c", 1));

        queue.Remove(new HashSet<string>());
        Assert.Equal(4, queue.Count);
        queue.Remove(new HashSet<string> { "a", "c" });

        Assert.Equal("b0 b1", Take(queue, At(10)));
    }

    [Fact]
    public void The_oldest_face_says_how_long_until_a_batch_is_due_and_until_it_expires()
    {
        var queue = Queue(Options, ("a", 1));
        queue.TryEnqueue("b", 1, alone: false, At(4));

        Assert.Equal(TimeSpan.FromMilliseconds(7), queue.UntilDue(At(3)));
        Assert.Equal(TimeSpan.Zero, queue.UntilDue(At(30)));
        Assert.Equal(TimeSpan.FromMilliseconds(997), queue.UntilExpired(At(3)));
        Assert.Equal(TimeSpan.Zero, queue.UntilExpired(At(3000)));
    }

    private static BatchQueue<string> Queue(BatchingOptions options, params (string Image, int Faces)[] images)
    {
        var queue = new BatchQueue<string>(options);
        foreach (var (image, faces) in images)
        {
            Assert.True(queue.TryEnqueue(image, faces, alone: false, Start));
        }

        return queue;
    }

    private static string Take(BatchQueue<string> queue, DateTimeOffset now) =>
        string.Join(' ', Assert.IsAssignableFrom<IReadOnlyList<WaitingFace<string>>>(queue.TryTake(now)).Select(f => f.Image + f.Face));

    private static DateTimeOffset At(double milliseconds) => Start + TimeSpan.FromMilliseconds(milliseconds);
}
