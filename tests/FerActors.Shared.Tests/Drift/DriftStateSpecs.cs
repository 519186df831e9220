using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Drift;

public sealed class DriftStateSpecs
{
    private static readonly string Hash = new('a', 64);

    private static DriftOptions Options { get; } = new() { Window = 200, MinSamples = 100, SelfReference = 100 };

    [Fact]
    public void An_unchanged_stream_stays_quiet()
    {
        var state = new DriftState(Reference(), Options with { Window = 500, MinSamples = 250 });

        Assert.All(World(20_000, seed: 2), sample => Assert.Empty(state.Observe(sample)));
        Assert.Equal(DriftLevel.Ok, state.Level);
        Assert.Equal(20_000, state.Samples);
    }

    [Fact]
    public void A_darker_world_is_told_once_as_a_warning_and_once_as_an_alert_of_its_signal_alone()
    {
        var state = new DriftState(Reference(), Options);
        Feed(state, World(500, seed: 2));

        var changes = Feed(state, World(500, seed: 3, brightness: 90));

        Assert.All(changes, change => Assert.Equal(DriftSignal.Brightness, change.Signal));
        Assert.Equal(
            [(DriftLevel.Ok, DriftLevel.Warn), (DriftLevel.Warn, DriftLevel.Alert)],
            changes.Select(change => (change.From, change.To)));
        Assert.True(changes[1].Samples <= 700, "not within a window");
        Assert.Equal(DriftLevel.Alert, state.Level);
    }

    [Fact]
    public void The_distance_alone_warns_and_alerts_where_the_index_does_not()
    {
        // No stream reaches an index of 10.
        var state = new DriftState(Reference(), Options with { PsiWarn = 10, PsiAlert = 10 });
        Feed(state, World(500, seed: 2));

        var changes = Feed(state, World(500, seed: 3, brightness: 90));

        Assert.Equal(
            [(DriftSignal.Brightness, DriftLevel.Warn), (DriftSignal.Brightness, DriftLevel.Alert)], changes.Select(change => (change.Signal, change.To)));
        Assert.All(changes, change => Assert.True(change.Psi < 10));
    }

    [Fact]
    public void Other_expressions_than_usual_are_seen_in_the_predictions()
    {
        var state = new DriftState(Reference(), Options);
        Feed(state, World(200, seed: 2));

        var changes = Feed(state, World(200, seed: 3).Select(sample => sample with { Label = Expression.Happy }));

        Assert.Contains(changes, change => change is { Signal: DriftSignal.PredictionMix, To: DriftLevel.Alert, Ks: null });
    }

    [Fact]
    public void A_level_is_left_again_when_the_world_is_as_before()
    {
        var state = new DriftState(Reference(), Options);
        Feed(state, World(200, seed: 2, brightness: 90));

        var changes = Feed(state, World(400, seed: 3));

        Assert.Equal(DriftLevel.Ok, changes[^1].To);
        Assert.Equal(DriftLevel.Ok, state.Level);
    }

    [Fact]
    public void A_level_is_left_later_than_it_was_reached()
    {
        var sticky = new DriftState(Reference(), Options with { Release = 0.2 });
        var loose = new DriftState(Reference(), Options with { Release = 1 });
        var stream = World(200, seed: 2, brightness: 90).Concat(World(300, seed: 3)).ToList();

        var stuck = Feed(sticky, stream);
        var left = Feed(loose, stream);

        Assert.True(FirstFall(left) < FirstFall(stuck));

        static long FirstFall(IReadOnlyList<DriftLevelChanged> changes) => changes.First(change => change.To < change.From).Samples;
    }

    [Fact]
    public void Nothing_is_judged_before_there_are_enough_faces()
    {
        var state = new DriftState(Reference(), Options);

        Assert.Empty(Feed(state, World(99, seed: 2, brightness: 20)));
        Assert.All(state.Signals, signal => Assert.False(signal.Judged));
        Assert.NotEmpty(Feed(state, World(1, seed: 3, brightness: 20)));
    }

    [Fact]
    public void Face_size_learns_its_reference_from_the_first_faces_and_watches_from_then_on()
    {
        var state = new DriftState(Reference(), Options);

        Feed(state, World(100, seed: 2, faceSize: 100));
        Assert.Equal(0, Status(state).Window);
        Feed(state, World(150, seed: 3, faceSize: 100));
        Assert.Equal(150, Status(state).Window);
        var changes = Feed(state, World(200, seed: 4, faceSize: 40));

        Assert.Contains(changes, change => change is { Signal: DriftSignal.FaceSize, To: DriftLevel.Alert });

        static SignalStatus Status(DriftState state) => state.Signals.Single(signal => signal.Signal == DriftSignal.FaceSize);
    }

    [Fact]
    public void A_face_without_a_value_or_with_none_that_is_a_number_changes_nothing()
    {
        var state = new DriftState(Reference(), Options);
        Feed(state, World(150, seed: 2));
        var before = state.Signals;

        Assert.Empty(state.Observe(new DriftSample(new CropStatistics(double.NaN, double.NaN, double.NaN), Expression.Happy, double.NaN)));

        Assert.Equal(
            before.Where(signal => signal.Signal != DriftSignal.PredictionMix),
            state.Signals.Where(signal => signal.Signal != DriftSignal.PredictionMix));
    }

    private static DriftReference Reference() => DriftReference.Of([.. World(5_000, seed: 1)], Hash, Hash, "PublicTest");

    private static List<DriftLevelChanged> Feed(DriftState state, IEnumerable<DriftSample> samples) => [.. samples.SelectMany(state.Observe)];

    private static IEnumerable<DriftSample> World(int count, int seed, double brightness = 128, double? faceSize = null)
    {
        var random = new Random(seed);
        double Normal(double mean, double deviation) =>
            mean + (deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

        for (var i = 0; i < count; i++)
        {
            yield return new DriftSample(
                new CropStatistics(Normal(brightness, 30), Normal(60, 12), Normal(900, 300)),
                (Expression)random.Next(ExpressionNames.Count),
                random.NextDouble(),
                faceSize is { } size ? Normal(size, 10) : null);
        }
    }
}
