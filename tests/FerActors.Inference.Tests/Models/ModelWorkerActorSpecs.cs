using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Inference.Batching;
using FerActors.Inference.Models;

namespace FerActors.Inference.Tests.Models;

public sealed class ModelWorkerActorSpecs : TestKit
{
    private readonly FakeExpressionModel _model = new();

    [Fact]
    public void A_batch_is_answered_with_a_prediction_for_each_crop()
    {
        var worker = Worker();

        worker.Tell(Batch(7, 0, 128), TestActor);

        var done = ExpectMsg<BatchClassified>();
        Assert.Equal((7L, _model.Identity), (done.Batch, done.Model));
        Assert.Equal([0.5f, 0.75f], done.Predictions.Select(p => p.Probabilities[3]));
        Assert.True(done.InferMs >= 0 && double.IsFinite(done.InferMs));
    }

    [Fact]
    public void A_batch_that_fails_is_answered_with_the_cause_and_the_next_one_runs()
    {
        var worker = Worker();

        worker.Tell(Batch(1, 10, FakeExpressionModel.Poison), TestActor);
        var failed = ExpectMsg<BatchFailed>();
        Assert.Equal(1, failed.Batch);
        Assert.IsType<ModelFailureException>(failed.Cause);

        worker.Tell(Batch(2, 10), TestActor);
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
        Worker().Tell(GetServingModel.Instance, TestActor);

        ExpectMsg(new ServingModel(_model.Identity, 8));
    }

    [Fact]
    public void The_model_goes_after_the_pass_that_is_under_way_on_the_same_thread()
    {
        var worker = Worker();
        _model.Gate.Reset();
        worker.Tell(Batch(1, 10), TestActor);
        Assert.True(_model.Entered.Wait(TimeSpan.FromSeconds(10)));
        Watch(worker);
        Sys.Stop(worker);
        ExpectTerminated(worker);
        Assert.False(_model.Disposed.IsSet);

        _model.Gate.Set();

        ExpectMsg<BatchClassified>();
        Assert.True(_model.Disposed.Wait(TimeSpan.FromSeconds(10)));
        Assert.Equal("fer-model", Assert.Single(_model.Threads.Distinct()).Name);
    }

    private IActorRef Worker() => Sys.ActorOf(Props.Create(() => new ModelWorkerActor(_model)));

    private void AssertFails()
    {
        Worker().Tell(Batch(1, 10, 20), TestActor);

        Assert.IsType<ModelFailureException>(ExpectMsg<BatchFailed>().Cause);
    }

    private static RunBatch Batch(long number, params byte[] grays) =>
        new(number, grays.Select(g => new FaceCrop(Enumerable.Repeat(g, 64).ToArray())).ToList());
}
