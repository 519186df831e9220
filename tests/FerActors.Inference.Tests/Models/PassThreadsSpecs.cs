using System.Collections.Concurrent;
using FerActors.Inference.Models;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Inference.Tests.Models;

public sealed class PassThreadsSpecs
{
    public PassThreadsSpecs() => TorchRuntime.EnsureLoaded();

    [Theory]
    [InlineData(1, 5, 1)]
    [InlineData(3, 1, 1)]
    [InlineData(3, 2, 2)]
    [InlineData(3, 3, 3)]
    [InlineData(3, 32, 3)]
    public void The_parts_cover_the_images_in_their_order_on_threads_of_their_own(int count, int images, int parts)
    {
        using var threads = new PassThreads(count);
        using var meeting = new Barrier(parts);
        var used = new ConcurrentDictionary<int, int>();

        // All parts have to be under way at once to get past the meeting.
        var ranges = threads.Run(images, (start, length) =>
        {
            Assert.True(meeting.SignalAndWait(TimeSpan.FromMinutes(1)));
            used[Environment.CurrentManagedThreadId] = get_num_threads();
            return Enumerable.Range(start, length);
        });

        Assert.Equal((parts, 1), threads.Plan(images));
        Assert.Equal(Enumerable.Range(0, images), ranges.SelectMany(range => range));
        Assert.Equal(parts, used.Count);
        Assert.All(used.Values, each => Assert.Equal(1, each));
        Assert.Contains(Environment.CurrentManagedThreadId, used.Keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_part_that_fails_fails_the_pass_after_all_others_have_ended(int failing)
    {
        using var threads = new PassThreads(2);
        var ended = 0;

        var error = Assert.Throws<InvalidOperationException>(() => threads.Run(2, (start, _) =>
        {
            Interlocked.Increment(ref ended);
            return start == failing ? throw new InvalidOperationException("this part") : start;
        }));

        Assert.Equal("this part", error.Message);
        Assert.Equal(2, ended);
        Assert.Equal([0, 1], threads.Run(2, (start, _) => start));
    }

    [Fact]
    public void After_a_trial_spare_threads_share_the_operations_of_a_single_image_or_rest()
    {
        using var threads = new PassThreads(4);
        var seen = new List<int>();

        threads.Try(() => threads.Run(1, (_, _) =>
        {
            seen.Add(get_num_threads());
            return 0;
        }));

        Assert.Equal([1, 4], seen.Distinct().Order());
        Assert.Equal(4, threads.Plan(32).Parts);
        Assert.Contains(threads.Plan(1), new[] { (1, 1), (1, 4) });
        Assert.Contains(threads.Plan(2), new[] { (2, 1), (2, 2) });
    }
}
