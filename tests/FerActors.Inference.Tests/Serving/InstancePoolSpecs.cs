using FerActors.Inference.Serving;
using FerActors.Shared.Messaging;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

public sealed class InstancePoolSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly BackoffPolicy Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
    private static readonly Exception Cause = new InvalidOperationException("CUDA out of memory.");
    private static readonly TimeSpan Took = TimeSpan.FromMilliseconds(5);

    private DateTimeOffset _now = Start;

    [Fact]
    public void Batches_go_to_free_instances_and_wait_where_there_is_none()
    {
        var pool = Pool(2);

        Assert.Equal([new PoolEffect.Run(0, 1)], pool.Offer(1, _now));
        Assert.Equal([new PoolEffect.Run(1, 2)], pool.Offer(2, _now));
        Assert.Empty(pool.Offer(3, _now));
        Assert.Equal([new PoolEffect.Run(1, 3)], pool.Ended(1, 2, Took, _now));
        Assert.Empty(pool.Ended(0, 1, Took, _now));
    }

    [Fact]
    public void Instances_take_turns_so_that_every_device_is_used()
    {
        var pool = Pool(3);
        var order = new List<int>();
        for (var batch = 0; batch < 6; batch++)
        {
            _now += TimeSpan.FromSeconds(1);
            var run = Assert.IsType<PoolEffect.Run>(Assert.Single(pool.Offer(batch, _now)));
            order.Add(run.Instance);
            pool.Ended(run.Instance, batch, Took, _now);
        }

        Assert.Equal([0, 1, 2, 0, 1, 2], order);
    }

    [Fact]
    public void An_instance_that_breaks_is_taken_out_and_its_batch_runs_elsewhere()
    {
        var pool = Pool(3);
        pool.Offer(1, _now);

        var effects = pool.Broke(0, 1, Cause, Took, _now);

        Assert.Equal([new PoolEffect.TakeOut(0), new PoolEffect.Run(1, 1), new PoolEffect.Capacity(2)], effects);
        var status = pool.Status(_now);
        Assert.Equal([InstanceState.Out, InstanceState.Busy, InstanceState.Free], status.Select(s => s.State));
        Assert.Equal(("CUDA out of memory.", 1L), (status[0].Reason, status[0].Failures));
        Assert.Equal([1, 2], pool.Serving());
    }

    [Fact]
    public void The_batch_of_a_broken_instance_goes_first()
    {
        var pool = Pool(2);
        pool.Offer(1, _now);
        pool.Offer(2, _now);
        pool.Offer(3, _now);

        Assert.DoesNotContain(pool.Broke(0, 1, Cause, Took, _now), effect => effect is PoolEffect.Run);

        Assert.Equal([new PoolEffect.Run(1, 1)], pool.Ended(1, 2, Took, _now));
        Assert.Equal([new PoolEffect.Run(1, 3)], pool.Ended(1, 1, Took, _now));
    }

    [Fact]
    public void A_batch_waits_for_another_instance_than_the_one_that_broke_even_where_that_is_back()
    {
        var pool = Pool(2);
        pool.Offer(1, _now);
        pool.Offer(2, _now);
        pool.Broke(0, 1, Cause, Took, _now);
        _now = pool.NextTry!.Value;
        pool.Due(_now);

        Assert.Equal([new PoolEffect.Capacity(2)], pool.Returned(0, new HashSet<long> { 0 }, _now));

        Assert.Equal([new PoolEffect.Run(1, 1)], pool.Ended(1, 2, Took, _now));
    }

    [Fact]
    public void A_batch_that_breaks_twice_is_at_fault_and_the_first_instance_is_tried_again_at_once()
    {
        var pool = Pool(3);
        pool.Offer(1, _now);
        pool.Broke(0, 1, Cause, Took, _now);

        var effects = pool.Broke(1, 1, Cause, Took, _now);

        Assert.Equal([new PoolEffect.Fail(1, Cause)], effects);
        Assert.Equal(2, pool.Capacity);
        Assert.Equal([new PoolEffect.Try(0)], pool.Due(_now));
    }

    [Fact]
    public void A_broken_instance_is_tried_again_with_growing_pauses_and_serves_once_its_models_are_tried()
    {
        var pool = Pool(2);
        pool.Offer(1, _now);
        pool.Broke(0, 1, Cause, Took, _now);
        pool.Ended(1, 1, Took, _now);
        var pauses = new List<double>();
        for (var attempt = 0; attempt < 8; attempt++)
        {
            pauses.Add((pool.NextTry!.Value - _now).TotalSeconds);
            Assert.Empty(pool.Due(_now));
            _now = pool.NextTry!.Value;
            Assert.Equal([new PoolEffect.Try(0)], pool.Due(_now));
            Assert.Empty(pool.Due(_now));
            Assert.Equal(InstanceState.Returning, pool.Status(_now)[0].State);
            Assert.Empty(pool.Refused(0, "The device is lost.", _now));
        }

        Assert.Equal([0.75, 1.5, 3, 6, 12, 24, 45, 45], pauses);
        Assert.Equal("The device is lost.", pool.Status(_now)[0].Reason);
        _now = pool.NextTry!.Value;
        pool.Due(_now);

        Assert.Equal([new PoolEffect.Capacity(2)], pool.Returned(0, new HashSet<long> { 0 }, _now));

        Assert.Null(pool.NextTry);
        Assert.Equal((InstanceState.Free, (string?)null), (pool.Status(_now)[0].State, pool.Status(_now)[0].Reason));
        _now += TimeSpan.FromSeconds(1);
        Assert.Equal([new PoolEffect.Run(0, 2)], pool.Offer(2, _now));
    }

    [Fact]
    public void An_instance_that_breaks_again_on_its_first_batch_waits_longer_and_one_that_ended_a_batch_does_not()
    {
        var pool = Pool(2);
        Break(pool, 1);
        Bring(pool);
        Break(pool, 2);
        Assert.Equal(1.5, (pool.NextTry!.Value - _now).TotalSeconds);
        Bring(pool);
        pool.Offer(3, _now);
        pool.Offer(4, _now);
        pool.Ended(0, 4, Took, _now);
        pool.Ended(0, 3, Took, _now);
        pool.Ended(1, 4, Took, _now);
        pool.Ended(1, 3, Took, _now);

        Break(pool, 5);

        Assert.Equal(0.75, (pool.NextTry!.Value - _now).TotalSeconds);
    }

    [Fact]
    public void The_last_instance_fails_its_batches_stays_in_service_and_is_loaded_anew_after_three()
    {
        var pool = Pool(1);
        for (var batch = 1; batch <= 3; batch++)
        {
            Assert.Null(pool.NextTry);
            pool.Offer(batch, _now);
            Assert.Equal([new PoolEffect.Fail(batch, Cause)], pool.Broke(0, batch, Cause, Took, _now));
        }

        Assert.Equal((1, InstanceState.Free, "CUDA out of memory."), (pool.Capacity, pool.Status(_now)[0].State, pool.Status(_now)[0].Reason));
        Assert.Equal([new PoolEffect.Try(0)], pool.Due(_now.AddSeconds(1)));
        Assert.Equal([new PoolEffect.Run(0, 4)], pool.Offer(4, _now));
        Assert.Empty(pool.Returned(0, new HashSet<long> { 0 }, _now));
        Assert.Null(pool.NextTry);
    }

    [Fact]
    public void The_last_instance_that_ends_a_batch_needs_no_new_models()
    {
        var pool = Pool(1);
        for (var batch = 1; batch <= 3; batch++)
        {
            pool.Offer(batch, _now);
            pool.Broke(0, batch, Cause, Took, _now);
        }

        pool.Offer(4, _now);
        pool.Ended(0, 4, Took, _now);

        Assert.Null(pool.NextTry);
        Assert.Null(pool.Status(_now)[0].Reason);
    }

    [Fact]
    public void The_batch_of_a_lost_instance_runs_elsewhere_and_what_the_lost_one_says_later_is_ignored()
    {
        var pool = Pool(2);
        pool.Offer(1, _now);

        Assert.Equal([new PoolEffect.TakeOut(0), new PoolEffect.Run(1, 1), new PoolEffect.Capacity(1)], pool.Lost(0, "It ended.", _now));

        Assert.Empty(pool.Ended(0, 1, Took, _now));
        Assert.Empty(pool.Broke(0, 1, Cause, Took, _now));
        Assert.Equal(InstanceState.Busy, pool.Status(_now)[1].State);
    }

    [Fact]
    public void Where_the_last_instance_is_lost_its_batch_and_those_that_wait_fail()
    {
        var pool = Pool(1);
        pool.Offer(1, _now);
        pool.Offer(2, _now);

        var effects = pool.Lost(0, "It ended.", _now);

        Assert.Equal([1L, 2L], effects.OfType<PoolEffect.Fail>().Select(fail => fail.Batch));
        Assert.Contains(new PoolEffect.Capacity(0), effects);
        Assert.Equal([0], pool.Serving());
        Assert.Equal([3L], pool.Offer(3, _now).OfType<PoolEffect.Fail>().Select(fail => fail.Batch));
    }

    [Fact]
    public void A_model_is_swapped_instance_by_instance_each_between_two_of_its_batches()
    {
        var pool = Pool(3);
        pool.Offer(1, _now);
        pool.Offer(2, _now);

        Assert.Empty(pool.Swap(ModelSlot.Champion, 7, _ => true, _now));
        Assert.Equal([0L, 0L, 7L], Champions(pool));
        Assert.Empty(pool.Ended(0, 1, Took, _now));
        Assert.Equal([7L, 0L, 7L], Champions(pool));
        Assert.True(pool.Held(0));

        Assert.Equal([new PoolEffect.Taken(ModelSlot.Champion, 7), new PoolEffect.Left(0)], pool.Ended(1, 2, Took, _now));

        Assert.Equal([7L, 7L, 7L], Champions(pool));
        Assert.False(pool.Held(0));
    }

    [Fact]
    public void A_busy_instance_takes_the_new_model_before_the_batch_that_waits()
    {
        var pool = Pool(1);
        pool.Offer(1, _now);
        pool.Offer(2, _now);
        pool.Swap(ModelSlot.Champion, 7, _ => true, _now);

        Assert.Equal([new PoolEffect.Run(0, 2), new PoolEffect.Taken(ModelSlot.Champion, 7), new PoolEffect.Left(0)], pool.Ended(0, 1, Took, _now));
        Assert.Equal(7L, pool.Holding(0, ModelSlot.Champion));
    }

    [Fact]
    public void Idle_instances_take_a_model_at_once_and_each_slot_is_told_by_itself()
    {
        var pool = Pool(2);

        Assert.Equal([new PoolEffect.Taken(ModelSlot.Canary, 3)], pool.Swap(ModelSlot.Canary, 3, _ => true, _now));
        Assert.Equal([new PoolEffect.Taken(ModelSlot.Champion, 3), new PoolEffect.Left(0)], pool.Swap(ModelSlot.Champion, 3, _ => true, _now));
        Assert.Empty(pool.Swap(ModelSlot.Canary, null, _ => true, _now));
        Assert.Null(pool.Holding(0, ModelSlot.Canary));
        Assert.Equal([3L], pool.Wanted());
    }

    [Fact]
    public void A_model_that_is_swapped_out_before_all_have_it_is_never_told_as_taken()
    {
        var pool = Pool(2);
        pool.Offer(1, _now);
        pool.Swap(ModelSlot.Champion, 7, _ => true, _now);

        Assert.Empty(pool.Swap(ModelSlot.Champion, 8, _ => true, _now).OfType<PoolEffect.Taken>());

        Assert.Equal([new PoolEffect.Taken(ModelSlot.Champion, 8), new PoolEffect.Left(0)], pool.Ended(0, 1, Took, _now));
    }

    [Fact]
    public void An_instance_that_is_out_holds_up_no_swap_and_returns_with_the_version_that_serves_then()
    {
        var pool = Pool(2);
        Break(pool, 1);
        Assert.Contains(new PoolEffect.Taken(ModelSlot.Champion, 7), pool.Swap(ModelSlot.Champion, 7, instance => instance == 1, _now));

        _now = pool.NextTry!.Value;
        pool.Due(_now);
        Assert.Empty(pool.Returned(0, new HashSet<long> { 0 }, _now));
        Assert.Equal(1, pool.Capacity);
        Assert.Equal([new PoolEffect.Try(0)], pool.Due(_now));

        Assert.Equal([new PoolEffect.Capacity(2)], pool.Returned(0, new HashSet<long> { 7 }, _now));
        Assert.Equal([7L, 7L], Champions(pool));
    }

    [Fact]
    public void An_instance_that_returned_while_a_version_was_loaded_for_the_others_goes_and_gets_it()
    {
        var pool = Pool(2);

        var effects = pool.Swap(ModelSlot.Champion, 7, instance => instance == 1, _now);

        Assert.Equal(
            [new PoolEffect.TakeOut(0), new PoolEffect.Capacity(1), new PoolEffect.Taken(ModelSlot.Champion, 7), new PoolEffect.Left(0)], effects);
        Assert.Equal([new PoolEffect.Try(0)], pool.Due(_now));
    }

    [Fact]
    public void Operators_see_what_each_instance_did()
    {
        var pool = new InstancePool(["cuda:0", "cuda:1"], 0, Backoff, () => 0.5, Start);
        pool.Offer(1, _now);
        pool.Ended(0, 1, TimeSpan.FromSeconds(1), _now);
        pool.Offer(2, _now.AddSeconds(1));

        var status = pool.Status(Start.AddSeconds(4));

        Assert.Equal(["cuda:0", "cuda:1"], status.Select(s => s.Device));
        Assert.Equal((1L, 0.25), (status[0].Passes, status[0].BusyShare));
        Assert.Equal((InstanceState.Busy, 0L), (status[1].State, status[1].Passes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Whatever_happens_each_batch_ends_exactly_once_and_no_instance_has_two(int seed)
    {
        var random = new Random(seed);
        var pool = new InstancePool(["cpu", "cpu", "cpu"], 0, Backoff, random.NextDouble, Start);
        var (running, ends, champion, batch) = (new Dictionary<int, long>(), new Dictionary<long, int>(), 0L, 0L);

        void Apply(IReadOnlyList<PoolEffect> effects)
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case PoolEffect.Run run:
                        Assert.True(running.TryAdd(run.Instance, run.Batch), "An instance got a second batch.");
                        Assert.Equal(champion, pool.Holding(run.Instance, ModelSlot.Champion));
                        break;
                    case PoolEffect.Fail fail:
                        ends[fail.Batch] = ends.GetValueOrDefault(fail.Batch) + 1;
                        break;
                    case PoolEffect.Capacity capacity:
                        Assert.Equal(pool.Capacity, capacity.Instances);
                        break;
                    case PoolEffect.Taken taken when taken.Ticket == champion:
                        Assert.All(pool.Serving().Where(_ => pool.Capacity > 0), instance => Assert.Equal(champion, pool.Holding(instance, ModelSlot.Champion)));
                        break;
                }
            }
        }

        for (var step = 0; step < 20_000; step++)
        {
            _now += TimeSpan.FromMilliseconds(random.Next(200));
            var busy = running.Keys.ToList();
            var instance = busy.Count > 0 ? busy[random.Next(busy.Count)] : -1;
            switch (random.Next(12))
            {
                case < 5 when step < 19_000:
                    Apply(pool.Offer(++batch, _now));
                    break;
                case < 9 when instance >= 0:
                    running.Remove(instance, out var done);
                    ends[done] = ends.GetValueOrDefault(done) + 1;
                    Apply(pool.Ended(instance, done, Took, _now));
                    break;
                case 9 when instance >= 0 && step < 19_000:
                    running.Remove(instance, out var broken);
                    Apply(pool.Broke(instance, broken, Cause, Took, _now));
                    break;
                case 10 when random.Next(4) == 0 && step < 19_000:
                    var lost = random.Next(3);
                    running.Remove(lost);
                    Apply(pool.Lost(lost, "It ended.", _now));
                    break;
                case 11 when random.Next(2) == 0:
                    Apply(pool.Swap(ModelSlot.Champion, ++champion, _ => random.Next(20) > 0, _now));
                    break;
                default:
                    foreach (var due in pool.Due(_now).OfType<PoolEffect.Try>())
                    {
                        Apply(random.Next(3) == 0
                            ? pool.Refused(due.Instance, "Not yet.", _now)
                            : pool.Returned(due.Instance, new HashSet<long> { champion }, _now));
                    }

                    break;
            }
        }

        while (running.Count > 0)
        {
            var instance = running.Keys.First();
            running.Remove(instance, out var done);
            ends[done] = ends.GetValueOrDefault(done) + 1;
            Apply(pool.Ended(instance, done, Took, _now));
        }

        Assert.Equal(batch, ends.Count);
        Assert.All(ends, end => Assert.Equal(1, end.Value));
    }

    private static InstancePool Pool(int instances) => new([.. Enumerable.Repeat("cpu", instances)], 0, Backoff, () => 0.5, Start);

    private static IEnumerable<long?> Champions(InstancePool pool) => Enumerable.Range(0, 3).Where(i => i < pool.Status(Start).Count).Select(i => pool.Holding(i, ModelSlot.Champion));

    // Instance 0 breaks, and the other ends the batch.
    private void Break(InstancePool pool, long batch)
    {
        _now += TimeSpan.FromMinutes(1);
        var run = pool.Offer(batch, _now).OfType<PoolEffect.Run>().Single();
        if (run.Instance != 0)
        {
            pool.Ended(run.Instance, batch, Took, _now);
            Break(pool, batch);
            return;
        }

        pool.Broke(0, batch, Cause, Took, _now);
        pool.Ended(1, batch, Took, _now);
    }

    private void Bring(InstancePool pool)
    {
        _now = pool.NextTry!.Value;
        pool.Due(_now);
        pool.Returned(0, new HashSet<long> { 0 }, _now);
    }
}
