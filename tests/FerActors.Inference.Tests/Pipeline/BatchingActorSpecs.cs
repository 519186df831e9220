using Akka.Actor;
using Akka.TestKit;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Pipeline;

public sealed class BatchingActorSpecs : PatientKit
{
    private static readonly ModelIdentity Identity = new("fake", "1", "00");

    private static readonly ModelIdentity Next = new("fake", "2", "11");

    private static readonly BatchingOptions Options = new()
    {
        MaxBatchSize = 4,
        MaxQueueDelay = TimeSpan.FromMilliseconds(10),
        MaxQueueSize = 8,
        QueueTimeout = TimeSpan.FromSeconds(1),
    };

    private readonly SchedulerTime _time;
    private readonly TestProbe _model;
    private readonly TestProbe _asker;

    public BatchingActorSpecs()
        : base(SchedulerTime.Config)
    {
        _time = new SchedulerTime((TestScheduler)Sys.Scheduler);
        _model = CreateTestProbe();
        _model.IgnoreMessages(message => message is SubscribeTraffic);
        _asker = CreateTestProbe();
    }

    [Fact]
    public void Images_share_a_batch_and_each_gets_its_own_predictions()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Ask(batcher, 2, 3);

        var batch = Succeed();

        Assert.Equal(["1.0", "2.0", "2.1", "2.2"], Names(batch));
        AssertClassified(1, 1);
        AssertClassified(2, 3);
    }

    [Fact]
    public void Less_than_a_full_batch_goes_when_the_delay_has_passed()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 2);
        Statistics(batcher);
        Advance(9);
        Statistics(batcher);
        Assert.False(_model.HasMessages);

        Advance(1);

        Assert.Equal(["1.0", "1.1"], Names(Succeed()));
        Assert.Equal(10, AssertClassified(1, 2).QueueMs, 6);
    }

    [Fact]
    public void The_delay_counts_from_the_oldest_face()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Statistics(batcher);
        Advance(6);
        Ask(batcher, 2, 1);
        Statistics(batcher);

        Advance(4);

        Assert.Equal(["1.0", "2.0"], Names(Succeed()));
        Assert.Equal(10, AssertClassified(1, 1).QueueMs, 6);
        Assert.Equal(4, AssertClassified(2, 1).QueueMs, 6);
    }

    [Fact]
    public void The_model_gets_one_batch_at_a_time()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 4);
        var first = _model.ExpectMsg<RunBatch>();
        Statistics(batcher);
        Assert.False(_model.HasMessages);

        Answer(first);

        AssertClassified(1, 4);
        Assert.Equal(["2.0", "2.1", "2.2", "2.3"], Names(Succeed()));
        AssertClassified(2, 4);
    }

    [Fact]
    public void An_image_that_spans_batches_is_answered_once_with_all_its_faces_in_order()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 7);
        var first = _model.ExpectMsg<RunBatch>();
        Assert.Equal((4, 3), (first.Crops.Count, first.Waiting));
        Answer(first, inferMs: 9);
        Statistics(batcher);
        Assert.False(_asker.HasMessages);
        Advance(10);

        Answer(_model.ExpectMsg<RunBatch>(), inferMs: 2);

        Assert.Equal(9, AssertClassified(1, 7).InferMs);
    }

    [Fact]
    public void A_suspect_image_shares_a_batch_with_no_other()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Ask(batcher, 2, 1, alone: true);
        Ask(batcher, 3, 3);

        Assert.Equal(["1.0"], Names(Succeed()));
        Assert.Equal(["2.0"], Names(Succeed()));
        Statistics(batcher);
        Advance(10);
        Assert.Equal(["3.0", "3.1", "3.2"], Names(Succeed()));
    }

    [Fact]
    public void Of_a_batch_that_fails_only_the_culprit_gets_the_error()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Ask(batcher, 2, 2);
        Ask(batcher, 3, 1);

        Fail(_model.ExpectMsg<RunBatch>());

        Assert.Equal(["1.0"], Names(Succeed()));
        AssertClassified(1, 1);
        Fail(_model.ExpectMsg<RunBatch>());
        AssertRefused(2, ErrorCodes.ModelFailure);
        Assert.Equal(["3.0"], Names(Succeed()));
        AssertClassified(3, 1);
        Assert.Equal(1, Statistics(batcher).Refused);
        Assert.False(_asker.HasMessages);
    }

    [Fact]
    public void A_culprit_with_faces_still_waiting_is_answered_once_and_its_faces_are_dropped()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 6);
        Ask(batcher, 2, 1);

        Fail(_model.ExpectMsg<RunBatch>());

        AssertRefused(1, ErrorCodes.ModelFailure);
        Statistics(batcher);
        Advance(10);
        Assert.Equal(["2.0"], Names(Succeed()));
        AssertClassified(2, 1);
    }

    [Fact]
    public void An_image_beyond_the_queue_bound_is_refused()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 8);

        Ask(batcher, 3, 1);

        AssertRefused(3, ErrorCodes.Overloaded);
        Assert.Equal(8, Statistics(batcher).Waiting);
    }

    [Fact]
    public void An_image_that_waits_too_long_for_a_busy_model_is_refused_though_nothing_else_happens()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 1);
        var first = _model.ExpectMsg<RunBatch>();
        Statistics(batcher);

        Advance(1000);

        AssertRefused(2, ErrorCodes.Expired);
        Answer(first);
        AssertClassified(1, 4);
        Assert.Equal(0, Statistics(batcher).Waiting);
        Assert.False(_model.HasMessages);
    }

    [Fact]
    public void Images_that_came_later_expire_later()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 1);
        Statistics(batcher);
        Advance(400);
        Ask(batcher, 3, 1);
        Statistics(batcher);

        Advance(600);
        AssertRefused(2, ErrorCodes.Expired);
        Statistics(batcher);
        Assert.False(_asker.HasMessages);
        Advance(400);

        AssertRefused(3, ErrorCodes.Expired);
    }

    [Fact]
    public void A_batch_that_fails_after_the_timeout_is_not_tried_again()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Ask(batcher, 2, 6);
        var mixed = _model.ExpectMsg<RunBatch>();
        Assert.Equal(["1.0", "2.0", "2.1", "2.2"], Names(mixed));
        Statistics(batcher);
        Advance(1000);
        AssertRefused(2, ErrorCodes.Expired);

        Fail(mixed);

        // Its batch-mate would have to wait again, and has waited for as long.
        AssertRefused(1, ErrorCodes.Expired);
        Ask(batcher, 3, 4);
        Assert.Equal(["3.0", "3.1", "3.2", "3.3"], Names(Succeed()));
        AssertClassified(3, 4);
    }

    [Fact]
    public void Predictions_for_an_image_that_was_refused_meanwhile_are_passed_over()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 6);
        var first = _model.ExpectMsg<RunBatch>();
        Statistics(batcher);
        Advance(1000);
        AssertRefused(1, ErrorCodes.Expired);

        Answer(first);

        Assert.Equal(4, Statistics(batcher).Faces);
        Assert.False(_asker.HasMessages);
    }

    [Fact]
    public void An_answer_to_a_batch_that_does_not_run_is_passed_over()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        var batch = _model.ExpectMsg<RunBatch>();

        batcher.Tell(new BatchFailed(batch.Batch - 1, new InvalidOperationException("stale")));
        batcher.Tell(new BatchClassified(batch.Batch + 1, [], Identity, 1));
        Answer(batch);

        AssertClassified(1, 4);
    }

    [Fact]
    public void A_step_of_the_wall_clock_neither_expires_images_nor_holds_them_back()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 1);
        Statistics(batcher);

        _time.WallClockError = TimeSpan.FromHours(1);
        Ask(batcher, 2, 1);
        Statistics(batcher);
        Assert.False(_asker.HasMessages);
        _time.WallClockError = TimeSpan.FromHours(-1);
        Statistics(batcher);
        Advance(10);

        Assert.Equal(["1.0", "2.0"], Names(Succeed()));
        Assert.Equal(10, AssertClassified(1, 1).QueueMs, 6);
    }

    [Fact]
    public void Statistics_count_faces_batches_sizes_and_refusals()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Succeed();
        Ask(batcher, 2, 1, alone: true);
        Succeed();
        Ask(batcher, 3, 4);
        Succeed();
        Ask(batcher, 4, 1, alone: true);
        Fail(_model.ExpectMsg<RunBatch>());
        _asker.ReceiveN(4);

        var statistics = Statistics(batcher);

        Assert.Equal((9, 4, 1, 0), (statistics.Faces, statistics.Batches, statistics.Refused, statistics.Waiting));
        Assert.Equal(new Dictionary<int, long> { [1] = 2, [4] = 2 }, statistics.BatchSizes);
    }

    [Fact]
    public void A_fault_of_the_actor_itself_answers_every_image_and_old_batches_do_not_answer_new_images()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 2);
        var first = _model.ExpectMsg<RunBatch>();

        batcher.Tell(new BatchClassified(first.Batch, [], Identity, 1));

        var refused = _asker.ReceiveN(2).Cast<FacesRefused>().ToList();
        Assert.Equal(new ulong[] { 1, 2 }, refused.Select(r => r.Key.Tag).Order());
        Assert.All(refused, r => Assert.Equal(ErrorCodes.Internal, r.Code));
        Ask(batcher, 3, 4);
        var second = _model.ExpectMsg<RunBatch>();
        batcher.Tell(new BatchFailed(first.Batch, new InvalidOperationException("stale")));
        Answer(second);
        AssertClassified(3, 4);
    }

    [Fact]
    public void The_canary_gets_its_share_of_the_messages_in_batches_of_its_own()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0.3));
        Ask(batcher, 1, 2, draw: 0.5);
        Ask(batcher, 2, 2, draw: 0.1);
        Ask(batcher, 3, 2, draw: 0.3);
        Ask(batcher, 4, 2, draw: 0.29);

        var champion = Succeed();
        AssertClassified(1, 2);
        AssertClassified(3, 2);
        var canary = Succeed();

        Assert.Equal((ModelSlot.Champion, ModelSlot.Canary), (champion.Slot, canary.Slot));
        Assert.Equal(["2.0", "2.1", "4.0", "4.1"], Names(canary));
        AssertClassified(2, 2);
        AssertClassified(4, 2);
    }

    [Fact]
    public void Both_slots_share_one_limit()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0.5));
        Ask(batcher, 1, 4, draw: 0.9);
        _model.ExpectMsg<RunBatch>();
        Ask(batcher, 2, 4, draw: 0.9);
        Ask(batcher, 3, 4, draw: 0.1);

        Ask(batcher, 4, 1, draw: 0.1);

        AssertRefused(4, ErrorCodes.Overloaded);
    }

    [Fact]
    public void An_image_whose_batches_two_versions_answered_goes_again_and_gets_one_version()
    {
        var batcher = Batcher();
        Ask(batcher, 1, 6);
        Succeed();
        Statistics(batcher);
        Advance(10);
        var rest = _model.ExpectMsg<RunBatch>();
        Assert.Equal(["1.4", "1.5"], Names(rest));

        Answer(rest, identity: Next);

        Answer(_model.ExpectMsg<RunBatch>(), identity: Next);
        var last = _model.ExpectMsg<RunBatch>();
        Assert.Equal(["1.4", "1.5"], Names(last));
        Answer(last, identity: Next);
        AssertClassified(1, 6, Next);
        Assert.Equal(0, Statistics(batcher).Waiting);
    }

    [Fact]
    public void An_image_of_the_canary_that_the_champion_answered_in_part_is_answered_by_the_champion()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(1));
        Ask(batcher, 1, 6, draw: 0);
        Answer(_model.ExpectMsg<RunBatch>(), identity: Next);
        Statistics(batcher);
        Advance(10);
        Answer(_model.ExpectMsg<RunBatch>());

        var again = Succeed();

        Assert.Equal((ModelSlot.Champion, 4), (again.Slot, again.Crops.Count));
        Assert.Equal(ModelSlot.Champion, Succeed().Slot);
        AssertClassified(1, 6);
    }

    [Fact]
    public void As_many_batches_run_at_once_as_there_are_instances_in_service()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0, Batches: 2));
        Ask(batcher, 1, 4);
        Ask(batcher, 2, 4);
        Ask(batcher, 3, 4);
        var (first, second) = (_model.ExpectMsg<RunBatch>(), _model.ExpectMsg<RunBatch>());
        Assert.Equal(4, Statistics(batcher).Waiting);
        Assert.False(_model.HasMessages);

        Answer(second);

        Assert.Equal(["3.0", "3.1", "3.2", "3.3"], Names(Succeed()));
        AssertClassified(2, 4);
        AssertClassified(3, 4);
        Answer(first);
        AssertClassified(1, 4);
    }

    [Fact]
    public void While_no_instance_is_in_service_images_wait_and_expire_and_go_on_with_the_first_that_returns()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0, Batches: 0));
        Ask(batcher, 1, 4);
        Statistics(batcher);
        Advance(1000);
        AssertRefused(1, ErrorCodes.Expired);
        Ask(batcher, 2, 4);
        Statistics(batcher);
        Assert.False(_model.HasMessages);

        batcher.Tell(new TrafficSplit(0, Batches: 1));

        Succeed();
        AssertClassified(2, 4);
    }

    [Fact]
    public void A_face_that_is_under_way_while_its_image_goes_again_counts_once()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0, Batches: 3));
        Ask(batcher, 1, 12);
        var batches = Enumerable.Range(0, 3).Select(_ => _model.ExpectMsg<RunBatch>()).ToList();
        Answer(batches[0]);
        Answer(batches[1], identity: Next);
        var again = new[] { _model.ExpectMsg<RunBatch>(), _model.ExpectMsg<RunBatch>() };

        Answer(batches[2], identity: Next);
        var last = _model.ExpectMsg<RunBatch>();
        Assert.Equal(["1.8", "1.9", "1.10", "1.11"], Names(last));
        Answer(last, identity: Next);
        Answer(again[0], identity: Next);
        Answer(again[1], identity: Next);

        AssertClassified(1, 12, Next);
        Ask(batcher, 2, 4);
        Assert.Equal(["2.0", "2.1", "2.2", "2.3"], Names(Succeed()));
        AssertClassified(2, 4);
    }

    [Fact]
    public void An_image_that_is_complete_leaves_no_face_behind_that_waits_to_go_again()
    {
        var batcher = Batcher();
        batcher.Tell(new TrafficSplit(0, Batches: 3));
        Ask(batcher, 1, 12);
        var batches = Enumerable.Range(0, 3).Select(_ => _model.ExpectMsg<RunBatch>()).ToList();
        Answer(batches[0]);
        Answer(batches[1], identity: Next);
        var again = new[] { _model.ExpectMsg<RunBatch>(), _model.ExpectMsg<RunBatch>() };
        batcher.Tell(new TrafficSplit(0, Batches: 2));
        Answer(batches[2], identity: Next);
        batcher.Tell(new TrafficSplit(0, Batches: 0));

        Answer(again[0], identity: Next);
        Answer(again[1], identity: Next);

        AssertClassified(1, 12, Next);
        Assert.Equal(0, Statistics(batcher).Waiting);
        batcher.Tell(new TrafficSplit(0, Batches: 1));
        Ask(batcher, 2, 4);
        Assert.Equal(["2.0", "2.1", "2.2", "2.3"], Names(Succeed()));
    }

    [Fact]
    public void A_host_that_starts_again_is_asked_for_the_split_again()
    {
        var host = CreateTestProbe();
        Sys.ActorOf(Props.Create(() => new BatchingActor(Options, host.Ref, _time)));
        host.ExpectMsg<SubscribeTraffic>();

        Sys.EventStream.Publish(new ModelHostStarted(host.Ref));

        host.ExpectMsg<SubscribeTraffic>();
    }

    private IActorRef Batcher() => Sys.ActorOf(Props.Create(() => new BatchingActor(Options, _model.Ref, _time)));

    private void Ask(IActorRef batcher, ulong tag, int faces, bool alone = false, double draw = 1) => batcher.Tell(
        new ClassifyFaces(
            new DeliveryKey(1, tag),
            Enumerable.Range(0, faces).Select(face => new FaceCrop([(byte)tag, (byte)face])).ToList(),
            alone,
            draw),
        _asker.Ref);

    // Also the proof that everything told before has been handled.
    private BatchingStatistics Statistics(IActorRef batcher)
    {
        batcher.Tell(GetBatchingStatistics.Instance, TestActor);
        return ExpectMsg<BatchingStatistics>();
    }

    private void Advance(int milliseconds) => ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromMilliseconds(milliseconds));

    private RunBatch Succeed()
    {
        var batch = _model.ExpectMsg<RunBatch>();
        Answer(batch);
        return batch;
    }

    private void Answer(RunBatch batch, double inferMs = 3, ModelIdentity? identity = null) => _model.Reply(new BatchClassified(
        batch.Batch, batch.Crops.Select(c => new FacePrediction([c.Gray[0], c.Gray[1], 0, 0, 0, 0, 0])).ToList(), identity ?? Identity, inferMs));

    private void Fail(RunBatch batch) => _model.Reply(new BatchFailed(batch.Batch, new ModelFailureException("on purpose")));

    private FacesClassified AssertClassified(ulong tag, int faces, ModelIdentity? identity = null)
    {
        var answer = _asker.ExpectMsg<FacesClassified>();
        Assert.Equal(new DeliveryKey(1, tag), answer.Key);
        Assert.Equal(Enumerable.Range(0, faces).Select(f => ((float)tag, (float)f)), answer.Predictions.Select(p => (p.Probabilities[0], p.Probabilities[1])));
        Assert.Equal(identity ?? Identity, answer.Model);
        return answer;
    }

    private void AssertRefused(ulong tag, string code)
    {
        var answer = _asker.ExpectMsg<FacesRefused>();
        Assert.Equal((new DeliveryKey(1, tag), code), (answer.Key, answer.Code));
    }

    private static IEnumerable<string> Names(RunBatch batch) => batch.Crops.Select(c => $"{c.Gray[0]}.{c.Gray[1]}");
}
