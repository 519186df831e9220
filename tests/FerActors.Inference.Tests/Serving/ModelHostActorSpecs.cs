using Akka.Actor;
using Akka.TestKit;
using FerActors.Inference.Models;
using FerActors.Inference.Serving;
using FerActors.Shared.Messaging;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

public sealed class ModelHostActorSpecs : PatientKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeExpressionModel _model = new();
    private readonly ScriptedLoader _loader = new();
    private readonly TestProbe _status;
    private readonly IActorRef _host;
    private long _lastBatch = 100;

    public ModelHostActorSpecs()
    {
        _host = Sys.ActorOf(Props.Create(() => new ModelHostActor(
            new[] { "cpu" }, new BackoffPolicy(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(4)), _ => new[] { _model }, _loader, TimeProvider.System)));
        _status = CreateTestProbe();
        _host.Tell(SubscribeModelStatus.Instance, _status);
    }

    [Fact]
    public void A_batch_is_answered_with_a_prediction_for_each_crop()
    {
        _host.Tell(Batch(7, 0, 128), TestActor);

        var done = ExpectMsg<BatchClassified>();
        Assert.Equal((7L, _model.Identity), (done.Batch, done.Model));
        Assert.Equal([0.5f, 0.75f], done.Predictions.Select(p => p.Probabilities[3]));
        Assert.True(done.InferMs >= 0 && double.IsFinite(done.InferMs));
    }

    [Fact]
    public void The_champion_and_its_shadow_hear_how_many_faces_wait_behind_a_batch()
    {
        _host.Tell(Batch(7, 0, 128) with { Waiting = 23 }, TestActor);
        ExpectMsg<BatchClassified>();
        Assert.Contains(23, _model.Waited);
        var shadow = Shadowed();

        _host.Tell(Batch(8, 0, 128) with { Waiting = 42 }, TestActor);

        ExpectMsg<BatchClassified>();
        AwaitCondition(() => shadow.Waited.Contains(42), Patience);
    }

    [Fact]
    public void A_batch_that_fails_is_answered_with_the_cause_and_the_next_one_runs()
    {
        _host.Tell(Batch(1, 10, FakeExpressionModel.Poison), TestActor);
        var failed = ExpectMsg<BatchFailed>();
        Assert.Equal(1, failed.Batch);
        Assert.IsType<ModelFailureException>(failed.Cause);

        _host.Tell(Batch(2, 10), TestActor);
        Assert.Equal(2, ExpectMsg<BatchClassified>().Batch);
    }

    [Fact]
    public void A_model_that_leaves_a_crop_out_has_failed()
    {
        _model.Spoil = predictions => [.. predictions.Skip(1)];

        AssertFails();
    }

    [Fact]
    public void A_model_that_leaves_a_class_out_has_failed()
    {
        _model.Spoil = predictions => [.. predictions.Select(p => p with { Probabilities = p.Probabilities[1..] })];

        AssertFails();
    }

    [Fact]
    public void A_model_whose_probabilities_are_not_finite_has_failed()
    {
        _model.Spoil = predictions => [.. predictions.Select(p => p with { Probabilities = [0, 0, 0, float.NaN, 0, 0, 0] })];

        AssertFails();
    }

    [Fact]
    public void It_says_what_it_serves()
    {
        _host.Tell(GetServingModel.Instance, TestActor);

        ExpectMsg(new ServingModel(_model.Identity, 8));
    }

    [Fact]
    public void The_model_goes_after_the_pass_that_is_under_way()
    {
        _model.Gate.Reset();
        _host.Tell(Batch(1, 10), TestActor);
        Assert.True(_model.Entered.Wait(Patience));
        Watch(_host);
        Sys.Stop(_host);
        ExpectTerminated(_host);
        Assert.False(_model.Disposed.IsSet);

        _model.Gate.Set();

        ExpectMsg<BatchClassified>();
        Assert.True(_model.Disposed.Wait(Patience));
        Assert.Equal(["fer-model-0", "fer-model-beside"], _model.Threads.Select(thread => thread.Name));
    }

    [Fact]
    public void While_a_version_loads_the_old_one_answers_and_afterwards_the_new_one()
    {
        _loader.Has("v1");
        _loader.Gate.Reset();
        Desire(ScriptedLoader.Champion(1, "v1"));
        AwaitStatus(s => s.Slots.Any(e => e is { Version: "v1", Phase: ModelPhase.Loading }));
        Assert.Equal("1.2.3", Classify());

        _loader.Gate.Set();

        AwaitStatus(s => s is { DesiredSequence: 1, MayServe: true, Slots: [{ Version: "v1", Phase: ModelPhase.Serving }] });
        Assert.Equal("v1", Classify());
        Assert.True(_model.Disposed.Wait(Patience));
        var statistics = Statistics();
        Assert.Equal((1L, 1L, 0L, 1), (statistics.Swaps, statistics.Loads, statistics.FailedLoads, statistics.HeldModels));
    }

    [Fact]
    public void A_batch_under_way_keeps_its_model_until_it_ends()
    {
        _loader.Has("v1");
        _model.Gate.Reset();
        _host.Tell(Batch(1, 10), TestActor);
        Assert.True(_model.Entered.Wait(Patience));
        Desire(ScriptedLoader.Champion(1, "v1"));
        AwaitStatus(s => s is { MayServe: false, Slots: [{ Version: "v1", Phase: ModelPhase.Warming }, { Phase: ModelPhase.Retiring }] });
        Assert.False(_model.Disposed.IsSet);

        _model.Gate.Set();

        Assert.Equal("1.2.3", ExpectMsg<BatchClassified>(Patience).Model.Version);
        AwaitStatus(s => s is { MayServe: true, Slots: [{ Version: "v1", Phase: ModelPhase.Serving }] });
        Assert.True(_model.Disposed.IsSet);
    }

    [Fact]
    public void A_version_that_cannot_be_loaded_leaves_the_old_one_and_says_why()
    {
        _loader.Breaks("v1", "The weights are damaged.");

        Desire(ScriptedLoader.Champion(1, "v1"));

        var status = AwaitStatus(s => s.Slots.Any(e => e.Phase == ModelPhase.Failed));
        Assert.Equal("The weights are damaged.", status.Slots[1].Reason);
        Assert.False(status.MayServe);
        Assert.Equal("1.2.3", Classify());
        Assert.Equal(1, Statistics().FailedLoads);
    }

    [Fact]
    public void A_version_that_fails_on_the_check_crops_is_disposed_and_never_serves()
    {
        var broken = _loader.Has("v1");
        broken.Spoil = predictions => [.. predictions.Select(_ => new FacePrediction([0.5f, 0.5f, 0.5f, 0, 0, 0, 0]))];

        Desire(ScriptedLoader.Champion(1, "v1"));

        AwaitStatus(s => s.Slots.Any(e => e.Phase == ModelPhase.Failed));
        Assert.True(broken.Disposed.IsSet);
        Assert.Equal("1.2.3", Classify());
    }

    [Fact]
    public void A_newer_desired_version_supersedes_the_load_under_way()
    {
        var first = _loader.Has("v1");
        _loader.Has("v2");
        _loader.Gate.Reset();
        Desire(ScriptedLoader.Champion(1, "v1"));
        AwaitCondition(() => !_loader.Begun.IsEmpty, Patience);

        Desire(ScriptedLoader.Champion(2, "v2"));

        AwaitCondition(() => _loader.Begun.Count == 2, Patience);
        _loader.Gate.Set();
        AwaitStatus(s => s.Slots is [{ Version: "v2", Phase: ModelPhase.Serving }]);
        Assert.Empty(first.Threads);
        Assert.Equal(0, Statistics().FailedLoads);
    }

    [Fact]
    public void The_canary_answers_its_batches_and_the_champion_stands_in_where_it_fails()
    {
        var canary = _loader.Has("v2");
        _loader.Has("v1");
        Desire(new DesiredModels(1, ScriptedLoader.Pointer("v1"), new SecondModel(ScriptedLoader.Pointer("v2"), 0.5)));
        AwaitStatus(s => s.Slots.Count(e => e.Phase == ModelPhase.Serving) == 2);
        _host.Tell(SubscribeTraffic.Instance, TestActor);
        Assert.Equal(0.5, ExpectMsg<TrafficSplit>().CanaryShare);

        Assert.Equal(("v1", "v2"), (Classify(), Classify(ModelSlot.Canary)));
        canary.Spoil = predictions => [];
        Assert.Equal("v1", Classify(ModelSlot.Canary));

        Desire(ScriptedLoader.Champion(2, "v1"));
        Assert.Equal(0, ExpectMsg<TrafficSplit>(Patience).CanaryShare);
        Assert.Equal("v1", Classify(ModelSlot.Canary));
        var statistics = Statistics();
        Assert.Equal((2L, 1L), (statistics.CanaryPasses, statistics.CanaryFailures));
    }

    [Fact]
    public void A_shadow_sees_the_batches_is_compared_and_never_answers()
    {
        var shadow = Shadowed();
        shadow.Spoil = predictions => [.. predictions.Select(p => p with { Probabilities = [.. p.Probabilities.Reverse()] })];

        // The middle class stays where it is when the seven are reversed.
        _host.Tell(Batch(1, 255 - 1, 200), TestActor);
        Assert.Equal("v1", ExpectMsg<BatchClassified>().Model.Version);
        AwaitAssert(() => Assert.Equal(2, Report().Faces), Patience);

        shadow.Spoil = predictions => [.. predictions.Select(_ => new FacePrediction([1, 0, 0, 0, 0, 0, 0]))];
        _host.Tell(Batch(2, 128), TestActor);
        ExpectMsg<BatchClassified>();
        AwaitAssert(() => Assert.Equal(3, Report().Faces), Patience);

        var report = Report();
        Assert.Equal(("v1", "v2", 2L, 0L), (report.Champion, report.Shadow, report.Agreed, report.Failures));
        Assert.Equal((2L, 1L), (report.Labels[3][3], report.Labels[3][0]));
        Assert.Equal((1 - (0.25 / 6)) / 3, report.MeanDistance, 4);
    }

    [Fact]
    public void A_busy_shadow_is_passed_over()
    {
        var shadow = Shadowed();
        shadow.Gate.Reset();
        Classify();
        AwaitCondition(() => shadow.Entered.CurrentCount == 2, Patience);

        Classify();
        Classify();

        AwaitAssert(() => Assert.Equal(2, Report().Dropped), Patience);
        shadow.Gate.Set();
        AwaitAssert(() => Assert.Equal(1, Report().Faces), Patience);
    }

    [Fact]
    public void A_shadow_that_fails_is_counted_and_hurts_nobody()
    {
        Shadowed().Spoil = _ => [];

        Assert.Equal("v1", Classify());

        AwaitAssert(() => Assert.Equal(1, Report().Failures), Patience);
        Assert.Equal("v1", Classify());
    }

    [Fact]
    public void Crops_of_another_side_are_resized_at_the_model()
    {
        _loader.Has("v1", side: 12);
        Desire(ScriptedLoader.Champion(1, "v1"));
        AwaitStatus(s => s.Slots is [{ Version: "v1", Phase: ModelPhase.Serving }]);

        _host.Tell(Batch(1, 128), TestActor);

        Assert.Equal(0.75f, ExpectMsg<BatchClassified>().Predictions[0].Probabilities[3]);
        Assert.Equal(1, Statistics().ResizedPasses);
    }

    [Fact]
    public void Who_waits_to_take_images_is_told_when_the_promoted_version_serves()
    {
        _loader.Has("v1");
        _loader.Gate.Reset();
        _host.Tell(AwaitMayServe.Instance, TestActor);
        Desire(ScriptedLoader.Champion(1, "v1"));
        AwaitStatus(s => s.Slots.Count == 2);
        Assert.False(HasMessages);

        _loader.Gate.Set();

        ExpectMsg<ModelMayServe>(Patience);
    }

    [Fact]
    public void A_node_for_which_nothing_is_desired_may_serve_what_it_has()
    {
        _host.Tell(AwaitMayServe.Instance, TestActor);

        Desire(DesiredModels.None);

        ExpectMsg<ModelMayServe>();
    }

    private FakeExpressionModel Shadowed()
    {
        _loader.Has("v1");
        var shadow = _loader.Has("v2");
        Desire(new DesiredModels(1, ScriptedLoader.Pointer("v1"), Shadow: new SecondModel(ScriptedLoader.Pointer("v2"), 1)));
        AwaitStatus(s => s.Slots.Count == 2 && s.Slots.All(e => e.Phase == ModelPhase.Serving));
        return shadow;
    }

    private void Desire(DesiredModels desired) => _host.Tell(new SetDesiredModels(desired));

    private ModelHostStatus AwaitStatus(Predicate<ModelHostStatus> condition) =>
        (ModelHostStatus)_status.FishForMessage(m => m is ModelHostStatus status && condition(status), Patience);

    private string Classify(ModelSlot slot = ModelSlot.Champion)
    {
        _host.Tell(Batch(++_lastBatch, 10) with { Slot = slot }, TestActor);
        return ExpectMsg<BatchClassified>(Patience).Model.Version;
    }

    private ModelHostStatistics Statistics()
    {
        _host.Tell(GetModelHostStatistics.Instance, TestActor);
        return ExpectMsg<ModelHostStatistics>();
    }

    private ShadowReport Report()
    {
        _host.Tell(GetShadowReport.Instance, TestActor);
        return ExpectMsg<ShadowReport>();
    }

    private void AssertFails()
    {
        _host.Tell(Batch(1, 10, 20), TestActor);

        Assert.IsType<ModelFailureException>(ExpectMsg<BatchFailed>().Cause);
    }

    private static RunBatch Batch(long number, params byte[] grays) =>
        new(number, grays.Select(g => new FaceCrop(Enumerable.Repeat(g, 64).ToArray())).ToList());
}
