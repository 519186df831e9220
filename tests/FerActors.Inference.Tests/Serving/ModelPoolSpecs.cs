using System.Collections.Concurrent;
using Akka.Actor;
using Akka.TestKit;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

/// <summary>Batcher, model host and three instances on the processor, with models that break when they are told to.</summary>
public sealed class ModelPoolSpecs : PatientKit
{
    private const int Instances = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string[] Places = ["cpu", "cpu", "cpu"];
    private static readonly BackoffPolicy Backoff = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(4));

    private readonly ScriptedLoader _loader = new();
    private readonly ConcurrentQueue<FakeExpressionModel> _models = [];
    private readonly TestProbe _status;
    private readonly IActorRef _host;
    private readonly IActorRef _batcher;
    private Func<FakeExpressionModel> _initial = () => new FakeExpressionModel();

    public ModelPoolSpecs()
    {
        _host = Sys.ActorOf(Props.Create(() => new ModelHostActor(Places, Backoff, devices => Make(devices.Count), _loader, TimeProvider.System)), "model-host");
        _batcher = Sys.ActorOf(Props.Create(() => new BatchingActor(
            new BatchingOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMilliseconds(1), MaxQueueSize = 10_000 }, _host, TimeProvider.System)));
        _status = CreateTestProbe();
        _host.Tell(SubscribeModelStatus.Instance, _status);
        Assert.Equal(Instances, Statistics().Instances.Count);
    }

    [Fact]
    public void Three_batches_run_at_once_each_on_a_thread_of_its_own()
    {
        Close();

        SendBatches(Instances);

        Assert.All(_models, model => Assert.True(model.Entered.Wait(Patience)));
        Assert.Equal(["fer-model-0", "fer-model-1", "fer-model-2"], _models.SelectMany(model => model.Threads).Select(thread => thread.Name).Order());
        Open();
        AssertClassified(Instances * 4);
        Assert.All(Statistics().Instances, instance => Assert.Equal((InstanceState.Free, 1L, "cpu"), (instance.State, instance.Passes, instance.Device)));
    }

    [Fact]
    public void An_instance_that_dies_in_the_middle_of_a_batch_costs_no_image_and_comes_back()
    {
        Close();
        SendBatches(Instances);
        Assert.All(_models, model => Assert.True(model.Entered.Wait(Patience)));
        var dying = _models.First();
        dying.Spoil = _ => throw new InvalidOperationException("CUDA error: out of memory");

        EventFilter.Error(contains: "is taken out; its batch runs elsewhere").ExpectOne(() => dying.Gate.Set());
        AwaitAssert(() => Assert.Contains(Statistics().Instances, instance => instance.Failures == 1), Patience);
        Open();

        AssertClassified(Instances * 4);
        AwaitAssert(() => Assert.All(Statistics().Instances, instance => Assert.Equal((InstanceState.Free, (string?)null), (instance.State, instance.Reason))), Patience);
        Assert.True(dying.Disposed.Wait(Patience));
        Assert.Equal(Instances + 1, _models.Count);
        Close();
        SendBatches(Instances, from: 100);
        Assert.True(_models.Last().Entered.Wait(Patience), "The instance that came back got no batch.");
        Open();
        AssertClassified(Instances * 4);
    }

    [Fact]
    public void An_instance_whose_actor_is_killed_in_the_middle_of_a_batch_costs_no_image_and_comes_back()
    {
        Close();
        SendBatches(Instances);
        Assert.All(_models, model => Assert.True(model.Entered.Wait(Patience)));

        Sys.ActorSelection(_host.Path / "instance-0-0").Tell(Kill.Instance);

        AwaitAssert(() => Assert.Equal((3, 1L), (Statistics().Instances.Count, Statistics().Instances[0].Failures)), Patience);
        Open();
        AssertClassified(Instances * 4);
        AwaitAssert(() => Assert.Equal(InstanceState.Free, Statistics().Instances[0].State), Patience);
        SendBatches(Instances, from: 100);
        AssertClassified(Instances * 4);
    }

    [Fact]
    public void An_image_that_breaks_every_instance_gets_its_error_and_the_pool_goes_on()
    {
        foreach (var model in _models)
        {
            Break(model);
        }

        _initial = () => Break(new FakeExpressionModel());
        _batcher.Tell(new ClassifyFaces(new DeliveryKey(1, 1), [Crop(FakeExpressionModel.Poison - 1)], Alone: true), TestActor);
        Assert.Equal("model_failure", ExpectMsg<FacesRefused>(Patience).Code);
        AwaitAssert(() => Assert.All(Statistics().Instances, instance => Assert.Equal(InstanceState.Free, instance.State)), Patience);

        SendBatches(Instances, from: 10);

        AssertClassified(Instances * 4);

        static FakeExpressionModel Break(FakeExpressionModel model)
        {
            model.Spoil = predictions => predictions.Any(p => p.Probabilities[3] > 0.99f) ? throw new InvalidOperationException("CUDA error") : predictions;
            return model;
        }
    }

    [Fact]
    public void An_image_at_fault_takes_no_instance_out()
    {
        _batcher.Tell(new ClassifyFaces(new DeliveryKey(1, 1), [Crop(FakeExpressionModel.Poison)], Alone: true), TestActor);

        Assert.Equal("model_failure", ExpectMsg<FacesRefused>(Patience).Code);
        Assert.All(Statistics().Instances, instance => Assert.Equal((InstanceState.Free, 0L), (instance.State, instance.Failures)));
    }

    [Fact]
    public void The_batcher_sends_no_more_batches_at_once_than_there_are_instances_in_service()
    {
        var broken = _models.First();
        broken.Spoil = _ => throw new InvalidOperationException("The device is lost.");
        _initial = () => throw new InvalidOperationException("The device is lost.");
        var traffic = CreateTestProbe();
        _host.Tell(SubscribeTraffic.Instance, traffic);
        Assert.Equal(Instances, traffic.ExpectMsg<TrafficSplit>().Batches);

        SendBatches(Instances);

        AssertClassified(Instances * 4);
        Assert.Equal(Instances - 1, traffic.ExpectMsg<TrafficSplit>(Patience).Batches);
        AwaitAssert(() => Assert.Equal("The device is lost.", Statistics().Instances[0].Reason), Patience);
        _initial = () => new FakeExpressionModel();
        Assert.Equal(Instances, traffic.ExpectMsg<TrafficSplit>(Patience).Batches);
    }

    [Fact]
    public void A_node_serves_a_version_only_when_every_instance_has_it()
    {
        _loader.Has("v1", () => new FakeExpressionModel { Version = "v1" });
        Close();
        SendBatches(1);
        AwaitCondition(() => _models.Any(model => model.Entered.CurrentCount > 0), Patience);

        _host.Tell(new SetDesiredModels(ScriptedLoader.Champion(1, "v1")));

        AwaitStatus(s => s is { MayServe: false, Slots: [{ Version: "v1", Phase: ModelPhase.Warming }, { Phase: ModelPhase.Retiring }] });
        Assert.Equal(Places, _loader.Devices);
        Assert.All(_models, model => Assert.False(model.Disposed.IsSet));
        Open();
        Assert.Equal("1.2.3", AssertClassified(4).Single());
        AwaitStatus(s => s is { MayServe: true, Slots: [{ Version: "v1", Phase: ModelPhase.Serving }] });
        Assert.All(_models, model => Assert.True(model.Disposed.Wait(Patience)));
    }

    [Fact]
    public void An_instance_that_comes_back_after_a_swap_has_the_new_version()
    {
        _loader.Has("v1", () => new FakeExpressionModel { Version = "v1" });
        var broken = _models.First();
        broken.Spoil = _ => throw new InvalidOperationException("The device is lost.");
        _initial = () => throw new InvalidOperationException("The device is lost.");
        SendBatches(Instances);
        AssertClassified(Instances * 4);
        AwaitAssert(() => Assert.NotEqual(InstanceState.Free, Statistics().Instances[0].State), Patience);

        _host.Tell(new SetDesiredModels(ScriptedLoader.Champion(1, "v1")));

        AwaitStatus(s => s is { MayServe: true, Slots: [{ Version: "v1", Phase: ModelPhase.Serving }, ..] });
        AwaitAssert(() => Assert.Equal(InstanceState.Free, Statistics().Instances[0].State), Patience);
        SendBatches(Instances * 4, from: 100);
        Assert.Equal(["v1"], AssertClassified(Instances * 16).Distinct());
        AwaitAssert(() => Assert.Equal(1, Statistics().HeldModels), Patience);
    }

    [Fact]
    public void Hundreds_of_swaps_under_load_on_three_instances_that_fail_now_and_then_lose_no_image()
    {
        const int Swaps = 300;
        var random = new Random(7);
        FakeExpressionModel Version(string name)
        {
            var model = new FakeExpressionModel { Version = name };
            model.Spoil = predictions =>
            {
                // The check crops are eight at once, a batch has four faces at most.
                lock (random)
                {
                    return predictions.Count <= 4 && random.Next(200) == 0 ? throw new InvalidOperationException("CUDA error") : predictions;
                }
            };
            return model;
        }

        var made = new ConcurrentQueue<FakeExpressionModel>();
        foreach (var name in new[] { "v1", "v2", "v3" })
        {
            _loader.Has(name, () =>
            {
                var model = Version(name);
                made.Enqueue(model);
                return model;
            });
        }

        var (sent, answered, versions) = (0UL, new HashSet<ulong>(), new HashSet<string>(StringComparer.Ordinal));
        void Pump(int outstanding)
        {
            while ((int)sent - answered.Count < outstanding)
            {
                _batcher.Tell(new ClassifyFaces(new DeliveryKey(1, ++sent), [Crop(10), Crop(20), Crop(30)], Alone: false), TestActor);
            }

            var answer = ExpectMsg<FacesClassified>(Patience);
            Assert.True(answered.Add(answer.Key.Tag), "Answered twice.");
            Assert.Equal(3, answer.Predictions.Count);
            versions.Add(answer.Model.Version);
        }

        for (var swap = 1; swap <= Swaps; swap++)
        {
            var version = $"v{(swap % 3) + 1}";
            _host.Tell(new SetDesiredModels(ScriptedLoader.Champion(swap, version)));
            while (!Serves(version))
            {
                Pump(outstanding: 40);
            }
        }

        while ((ulong)answered.Count < sent)
        {
            Pump(outstanding: 0);
        }

        AwaitAssert(() => Assert.Equal(1, Statistics().HeldModels), Patience);
        var statistics = Statistics();
        Assert.Equal((Swaps, Swaps, 0), (statistics.Swaps, statistics.Loads, statistics.FailedLoads));
        Assert.Superset(new HashSet<string> { "v1", "v2", "v3" }, versions);
        Assert.True(statistics.Instances.Sum(instance => instance.Failures) > 0, "No instance failed.");
        AwaitAssert(() => Assert.All(Statistics().Instances, instance => Assert.Equal(InstanceState.Free, instance.State)), Patience);
        AwaitAssert(() => Assert.Equal(Instances, made.Count(model => !model.Disposed.IsSet)), Patience);
        Assert.False(HasMessages);
    }

    private FakeExpressionModel[] Make(int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            var model = _initial();
            _models.Enqueue(model);
            return model;
        }),
    ];

    private void Close()
    {
        foreach (var model in _models.Where(model => !model.Disposed.IsSet))
        {
            model.Gate.Reset();
        }
    }

    private void Open()
    {
        foreach (var model in _models)
        {
            model.Gate.Set();
        }
    }

    private static FaceCrop Crop(int gray) => new([.. Enumerable.Repeat((byte)gray, 64)]);

    // Images of four faces, a batch each.
    private void SendBatches(int count, int from = 1)
    {
        for (var tag = from; tag < from + count; tag++)
        {
            _batcher.Tell(new ClassifyFaces(new DeliveryKey(1, (ulong)tag), [.. Enumerable.Repeat(Crop(100), 4)], Alone: false), TestActor);
        }
    }

    // So many faces, four an image, and proof that there is no image twice; gives the versions that answered.
    private List<string> AssertClassified(int faces)
    {
        var answers = Enumerable.Range(0, faces / 4).Select(_ => ExpectMsg<FacesClassified>(Patience)).ToList();
        Assert.Equal(faces / 4, answers.Select(answer => answer.Key).Distinct().Count());
        Assert.All(answers, answer => Assert.Equal(4, answer.Predictions.Count));
        return [.. answers.Select(answer => answer.Model.Version)];
    }

    private ModelHostStatistics Statistics()
    {
        var probe = CreateTestProbe();
        _host.Tell(GetModelHostStatistics.Instance, probe);
        return probe.ExpectMsg<ModelHostStatistics>(Patience);
    }

    private bool Serves(string version)
    {
        while (_status.HasMessages)
        {
            if (_status.ReceiveOne(TimeSpan.Zero) is ModelHostStatus { Slots: [{ Phase: ModelPhase.Serving } first, ..] } && first.Version == version)
            {
                return true;
            }
        }

        return false;
    }

    private void AwaitStatus(Predicate<ModelHostStatus> condition) => _status.FishForMessage(m => m is ModelHostStatus s && condition(s), Patience);
}
