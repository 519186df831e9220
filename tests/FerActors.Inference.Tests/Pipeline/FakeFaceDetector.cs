using System.Collections.Concurrent;
using FerActors.Inference.Faces;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>Finds as many faces as the blue of the picture's first pixel says, each smaller than the one before.</summary>
internal sealed class FakeFaceDetector : IFaceDetector
{
    /// <summary>The blue value at which the detector breaks.</summary>
    public const byte Breaks = 255;

    public static readonly FaceLandmarks Landmarks = new(new(20, 20), new(40, 30), new(28, 36), new(20, 44), new(34, 48));

    /// <summary>Closed, every detection waits for it.</summary>
    public ManualResetEventSlim Gate { get; init; } = new(initialState: true);

    /// <summary>A signal for each detection that has begun.</summary>
    public SemaphoreSlim Entered { get; init; } = new(0);

    public ConcurrentQueue<Thread> Threads { get; } = [];

    public ManualResetEventSlim Disposed { get; } = new();

    public string Name => "fake";

    /// <summary>A picture in which the detector will find so many faces.</summary>
    /// <param name="faces">How many.</param>
    /// <param name="gray">What the crops look like.</param>
    public static byte[] Picture(int faces, byte gray = 100)
    {
        using var picture = new Mat(96, 128, MatType.CV_8UC3, Scalar.All(gray));
        picture.Set(0, 0, new Vec3b((byte)faces, 0, 0));
        return TestPictures.Encode(".png", picture);
    }

    /// <summary>Faces that are found and not kept.</summary>
    public int Beyond { get; init; }

    public FoundFaces Detect(Mat bgr)
    {
        Threads.Enqueue(Thread.CurrentThread);
        Entered.Release();
        Assert.True(Gate.Wait(TimeSpan.FromSeconds(30)), "Nobody opened the gate.");
        var count = bgr.At<Vec3b>(0, 0).Item0;
        return count == Breaks
            ? throw new InvalidOperationException("on purpose")
            : new FoundFaces(
                [.. Enumerable.Range(0, count).Select(i => new DetectedFace(new FaceBox(24 + i, 24 + i, 48 - i, 48 - i), Landmarks, 0.9))],
                count + Beyond,
                scale: 1);
    }

    public void Dispose() => Disposed.Set();
}
