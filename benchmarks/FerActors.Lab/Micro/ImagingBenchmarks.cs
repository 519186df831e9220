using BenchmarkDotNet.Attributes;
using FerActors.Inference.Faces;
using FerActors.Lab.Bench;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Lab.Micro;

/// <summary>The stages before the model, by the picture's width; height is three quarters of it.</summary>
[MemoryDiagnoser]
public class ImagingBenchmarks
{
    private byte[] _jpeg = [];
    private Mat _bgr = new();
    private IFaceDetector? _detector;
    private DetectedFace? _face;

    [Params(320, 640, 1920)]
    public int Width { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var height = Width * 3 / 4;
        _jpeg = SyntheticPhoto.Jpeg(Width, height);
        _bgr = SyntheticPhoto.Bgr(Width, height);
        _detector = new FaceDetectorFactory(new DetectionOptions { ModelFolders = ["models", "../shared/models"] }).Create();
        _face = new DetectedFace(new FaceBox(Width / 4f, height / 4f, Width / 4f, Width / 4f), null, 1);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _bgr.Dispose();
        _detector?.Dispose();
    }

    [Benchmark]
    public ImageHeader Probe() => ImageHeaderProbe.Probe(_jpeg);

    [Benchmark]
    public string? FindDamage() => PictureIntegrity.FindDamage(_jpeg);

    [Benchmark]
    public int Decode()
    {
        using var image = ImageDecoder.Decode(_jpeg, ImageLimits.Default);
        return image.Width;
    }

    [Benchmark]
    public int Detect() => _detector!.Detect(_bgr).Count;

    [Benchmark]
    public byte[] Align() => FaceAligner.Align(_bgr, _face!, 48, FaceAlignment.Box);
}
