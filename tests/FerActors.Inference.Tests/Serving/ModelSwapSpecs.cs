using Akka.Actor;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Inference.Tests.Models;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using Xunit.Abstractions;

namespace FerActors.Inference.Tests.Serving;

/// <summary>Real models, swapped under a stream of images.</summary>
public sealed class ModelSwapSpecs : PatientKit
{
    private const int Swaps = 50;
    private const int InFlight = 24;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly BackoffPolicy Backoff = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(4));
    private static readonly string[] Places = ["cpu", "cpu", "cpu"];

    private readonly RegistryFolder _registry = new();
    private readonly ModelFolder _initial = new();
    private readonly ITestOutputHelper _output;

    public ModelSwapSpecs(ITestOutputHelper output)
        : base(output: output) => _output = output;

    [Fact]
    public void Fifty_swaps_under_a_stream_of_images_lose_none_and_every_answer_is_of_a_desired_version()
    {
        var versions = new[]
        {
            _registry.Add("v1", seed: 1),
            _registry.Add("v2", seed: 2),
            _registry.Add("v3-larger", seed: 3, ModelFolder.Config with { ImageSize = 24 }),
        };
        var options = _initial.Options();
        var expected = versions.ToDictionary(v => v.Version.Value, v => Expected(v, options));
        var host = Sys.ActorOf(Props.Create(() => new ModelHostActor(
            Places, Backoff, devices => ModelInstances.Load(options, devices, new[] { 1 }, null, null), new RegistryModelLoader(_registry.Root, options, new[] { 1, 4 }), TimeProvider.System)));
        var batching = new BatchingOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMilliseconds(1) };
        var batcher = Sys.ActorOf(Props.Create(() => new BatchingActor(batching, host, TimeProvider.System)));
        var status = CreateTestProbe();
        host.Tell(SubscribeModelStatus.Instance, status);
        var (sent, answered, byVersion) = (0UL, new HashSet<ulong>(), new SortedDictionary<string, int>(StringComparer.Ordinal));

        void Pump(int outstanding)
        {
            while ((int)sent - answered.Count < outstanding)
            {
                batcher.Tell(new ClassifyFaces(new DeliveryKey(1, ++sent), Crops, Alone: false), TestActor);
            }

            var answer = ExpectMsg<FacesClassified>(Patience);
            Assert.True(answered.Add(answer.Key.Tag), "Answered twice.");
            byVersion[answer.Model.Version] = byVersion.GetValueOrDefault(answer.Model.Version) + 1;
            if (expected.TryGetValue(answer.Model.Version, out var probabilities))
            {
                Assert.All(answer.Predictions.Zip(probabilities), p => AssertClose(p.Second, p.First.Probabilities));
            }
        }

        for (var swap = 1; swap <= Swaps; swap++)
        {
            var version = versions[swap % versions.Length];
            host.Tell(new SetDesiredModels(new DesiredModels(swap, version)));
            while (!Serves(status, version))
            {
                Pump(InFlight);
            }
        }

        while ((ulong)answered.Count < sent)
        {
            Pump(outstanding: 0);
        }

        AwaitAssert(() => Assert.Equal(1, Statistics(host).HeldModels), Patience);
        var statistics = Statistics(host);
        _output.WriteLine(
            $"{sent} images sent, {answered.Count} answered, {statistics.Swaps} swaps; longest gap at a swap {statistics.LongestSwapGapMs:0.0} ms, "
            + $"elsewhere {statistics.LongestOtherGapMs:0.0} ms; longest load {statistics.LongestLoadMs:0} ms; "
            + string.Join(", ", byVersion.Select(v => $"{v.Key} {v.Value}")));
        Assert.Equal((ulong)answered.Count, sent);
        Assert.Equal((Swaps, Swaps, 0), (statistics.Swaps, statistics.Loads, statistics.FailedLoads));
        Assert.Subset(
            versions.Select(v => v.Version.Value).Append(InitialVersion(options)).ToHashSet(StringComparer.Ordinal),
            byVersion.Keys.ToHashSet(StringComparer.Ordinal));
        Assert.True(statistics.ResizedPasses > 0);
    }

    [Fact]
    public void A_damaged_version_never_serves()
    {
        var options = _initial.Options();
        var damaged = _registry.Add("v1", seed: 1);
        var weights = Path.Combine(_registry.Root, "v1", ModelPointer.WeightsFile);
        File.WriteAllBytes(weights, File.ReadAllBytes(weights)[..^100]);
        var host = Sys.ActorOf(Props.Create(() => new ModelHostActor(
            Places, Backoff, devices => ModelInstances.Load(options, devices, new[] { 1 }, null, null), new RegistryModelLoader(_registry.Root, options, new[] { 1 }), TimeProvider.System)));
        host.Tell(SubscribeModelStatus.Instance, TestActor);

        host.Tell(new SetDesiredModels(new DesiredModels(1, damaged)));

        var failed = (ModelHostStatus)FishForMessage(m => m is ModelHostStatus s && s.Slots.Any(e => e.Phase == ModelPhase.Failed), Patience);
        Assert.Contains("its SHA-256 differs", failed.Slots[1].Reason, StringComparison.Ordinal);
        Assert.Equal(ModelPhase.Serving, failed.Slots[0].Phase);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _registry.Dispose();
        _initial.Dispose();
    }

    private static IReadOnlyList<FaceCrop> Crops { get; } = PrecisionTrial.Probe(16, 3);

    private static string InitialVersion(ModelOptions options)
    {
        using var model = VitExpressionModel.Load(options, []);
        return model.Identity.Version;
    }

    private List<float[]> Expected(ModelPointer version, ModelOptions options)
    {
        using var model = VitExpressionModel.LoadCold(options with { Path = Path.Combine(_registry.Root, version.Folder) }, "cpu", 1, null);
        return [.. model.Predict(CropFitter.Fit(Crops, model.InputSide)).Select(p => p.Probabilities)];
    }

    private static bool Serves(Akka.TestKit.TestProbe status, ModelPointer version)
    {
        while (status.HasMessages)
        {
            if (status.ReceiveOne(TimeSpan.Zero) is ModelHostStatus { Slots: [{ Phase: ModelPhase.Serving } first, ..] } && first.Version == version.Version.Value)
            {
                return true;
            }
        }

        return false;
    }

    private ModelHostStatistics Statistics(IActorRef host)
    {
        host.Tell(GetModelHostStatistics.Instance, TestActor);
        return ExpectMsg<ModelHostStatistics>(Patience);
    }

    private static void AssertClose(float[] expected, float[] actual) => Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-4f));
}
