using System.Collections.Concurrent;
using FerActors.Inference.Models;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Serving;

/// <summary>Answers with the gray value of a crop's middle as the certainty of happiness; breaks on white.</summary>
internal sealed class FakeExpressionModel : IExpressionModel
{
    public const byte Poison = 255;

    public string Version { get; init; } = "1.2.3";

    public ModelIdentity Identity => new("fake", Version, new string('a', 64));

    public int InputSide { get; init; } = 8;

    /// <summary>Closed, every pass waits for it.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>A signal for each pass that has begun.</summary>
    public SemaphoreSlim Entered { get; } = new(0);

    public ManualResetEventSlim Disposed { get; } = new();

    public ConcurrentQueue<Thread> Threads { get; } = [];

    /// <summary>Spoils what is about to be answered.</summary>
    public Func<IReadOnlyList<FacePrediction>, IReadOnlyList<FacePrediction>> Spoil { get; set; } = predictions => predictions;

    /// <summary>For each pass of a batch, how many faces waited behind it.</summary>
    public ConcurrentQueue<int> Waited { get; } = [];

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops, int waiting)
    {
        Waited.Enqueue(waiting);
        return Predict(crops);
    }

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops)
    {
        Assert.False(Disposed.IsSet, "A disposed model was asked.");
        Assert.All(crops, c => Assert.Equal(InputSide * InputSide, c.Gray.Length));
        Threads.Enqueue(Thread.CurrentThread);
        Entered.Release();
        Assert.True(Gate.Wait(TimeSpan.FromSeconds(30)), "Nobody opened the gate.");
        return crops.Any(c => Middle(c) == Poison)
            ? throw new ModelFailureException("on purpose")
            : Spoil(crops.Select(c => Prediction(Middle(c), c.WantsAttention)).ToList());
    }

    public void Dispose()
    {
        Threads.Enqueue(Thread.CurrentThread);
        Disposed.Set();
    }

    private static byte Middle(FaceCrop crop) => crop.Gray[crop.Gray.Length / 2];

    private static FacePrediction Prediction(byte gray, bool attention)
    {
        var happy = (gray + 256) / 512f;
        var other = (1 - happy) / 6;
        return new FacePrediction(
            [other, other, other, happy, other, other, other],
            attention ? new AttentionMap(1, 2, [0.25f, 0.75f]) : null);
    }
}
