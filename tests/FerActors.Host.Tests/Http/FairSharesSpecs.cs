using FerActors.Host.Http.Requests;

namespace FerActors.Host.Tests.Http;

public sealed class FairSharesSpecs
{
    [Fact]
    public void One_caller_alone_gets_half_and_whoever_comes_next_finds_a_place()
    {
        var shares = Shares(places: 8);

        Assert.Equal(4, Enumerable.Range(0, 10).Count(_ => Enters(shares, "greedy")));
        Assert.Equal(2, Enumerable.Range(0, 10).Count(_ => Enters(shares, "second")));
        Assert.True(Enters(shares, "third"));
    }

    [Fact]
    public void A_single_place_can_be_had() => Assert.True(Enters(Shares(places: 1), "one"));

    [Fact]
    public void Without_a_reserve_one_caller_may_have_all()
    {
        var shares = Shares(places: 8, keepsReserve: false);

        Assert.Equal(8, Enumerable.Range(0, 10).Count(_ => Enters(shares, "one")));
    }

    [Fact]
    public async Task A_free_place_goes_to_the_caller_with_the_fewest_before_those_who_waited_longer()
    {
        var shares = Shares(places: 2, keepsReserve: false, queued: 9);
        using var first = await EnterAsync(shares, "greedy");
        var second = await EnterAsync(shares, "greedy");
        var greedy = shares.EnterAsync("greedy", Timeout.InfiniteTimeSpan, CancellationToken.None);
        var modest = shares.EnterAsync("modest", Timeout.InfiniteTimeSpan, CancellationToken.None);

        second!.Dispose();

        Assert.NotNull(await modest);
        Assert.False(greedy.IsCompleted);
        (await modest)!.Dispose();
        Assert.NotNull(await greedy);
    }

    [Fact]
    public async Task Of_one_caller_who_came_first_enters_first()
    {
        var shares = Shares(places: 1, queued: 9);
        var place = await EnterAsync(shares, "one");
        var waiting = Enumerable.Range(0, 3).Select(_ => shares.EnterAsync("one", Timeout.InfiniteTimeSpan, CancellationToken.None)).ToList();

        foreach (var next in waiting)
        {
            place!.Dispose();
            place = await next;
            Assert.NotNull(place);
        }
    }

    [Fact]
    public async Task A_full_queue_refuses_and_the_longest_makes_room_for_a_shorter_one()
    {
        var shares = new FairShares(1, keepsReserve: true, maxQueued: 3, maxQueuedInAll: 3, TimeProvider.System);
        var place = await EnterAsync(shares, "holder");
        var greedy = Enumerable.Range(0, 4).Select(_ => shares.EnterAsync("greedy", Timeout.InfiniteTimeSpan, CancellationToken.None)).ToList();
        Assert.Null(await greedy[3]);

        var modest = shares.EnterAsync("modest", Timeout.InfiniteTimeSpan, CancellationToken.None);

        Assert.Null(await greedy[2]);
        Assert.False(modest.IsCompleted);
        place!.Dispose();
        Assert.NotNull(await greedy[0]);
    }

    [Fact]
    public async Task A_place_that_nobody_waits_for_any_more_is_not_lost()
    {
        var shares = Shares(places: 1, queued: 9);
        var place = await EnterAsync(shares, "one");
        using var gone = new CancellationTokenSource();
        var aborted = shares.EnterAsync("two", Timeout.InfiniteTimeSpan, gone.Token);
        var late = shares.EnterAsync("three", TimeSpan.Zero, CancellationToken.None);
        var patient = shares.EnterAsync("two", Timeout.InfiniteTimeSpan, CancellationToken.None);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => aborted);
        Assert.Null(await late);
        place!.Dispose();
        place.Dispose();

        Assert.NotNull(await patient);
        Assert.False(Enters(shares, "four"));
    }

    [Fact]
    public async Task Whatever_happens_at_once_all_places_come_back()
    {
        var shares = Shares(places: 4, queued: 100);
        await Parallel.ForAsync(0, 2000, async (i, _) =>
        {
            using var gone = new CancellationTokenSource();
            if (i % 5 == 0)
            {
                await gone.CancelAsync();
            }

            try
            {
                using var place = await shares.EnterAsync($"{i % 7}", i % 3 == 0 ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, gone.Token);
                await Task.Yield();
            }
            catch (OperationCanceledException)
            {
                // As wished.
            }
        });

        Assert.Equal(2, Enumerable.Range(0, 4).Count(_ => Enters(shares, "new")));
    }

    private static FairShares Shares(int places, bool keepsReserve = true, int queued = 0) => new(places, keepsReserve, queued, 1000, TimeProvider.System);

    private static Task<IDisposable?> EnterAsync(FairShares shares, string caller) =>
        shares.EnterAsync(caller, Timeout.InfiniteTimeSpan, CancellationToken.None);

    // What is not refused at once waits.
    private static bool Enters(FairShares shares, string caller)
    {
        var asked = shares.EnterAsync(caller, Timeout.InfiniteTimeSpan, CancellationToken.None);
        return asked.IsCompletedSuccessfully && asked.Result is not null;
    }
}
