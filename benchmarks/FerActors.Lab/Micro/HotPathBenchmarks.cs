using System.Text;
using BenchmarkDotNet.Attributes;
using FerActors.Inference.Faces;
using FerActors.Inference.Pipeline;
using FerActors.Lab.Bench;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Imaging;
using FerActors.Vision.Model;

namespace FerActors.Lab.Micro;

/// <summary>What happens once for every image, with what it allocates: from the encoded crop or photo to the model's input.</summary>
[MemoryDiagnoser]
public class HotPathBenchmarks
{
    private const int Side = 48;

    private readonly byte[] _gray = new byte[Side * Side];
    private readonly float[] _plane = new float[Side * Side];
    private readonly Dictionary<string, object?> _headers = new()
    {
        [RequestHeaders.Faces] = Encoding.UTF8.GetBytes("all"),
        [RequestHeaders.Aligned] = Encoding.UTF8.GetBytes("true"),
    };

    private GrayNormalisation? _normalisation;
    private FaceExtractor? _extractor;
    private AlignImage? _crop;
    private AlignImage? _photo;

    [GlobalSetup]
    public void SetUp()
    {
        new Random(1).NextBytes(_gray);
        _normalisation = new GrayNormalisation(PreprocessorConfig.Load("models/fer-vit-compact/preprocessor_config.json", numChannels: 1));
        var detector = new FaceDetectorFactory(new DetectionOptions { ModelFolders = ["models", "../shared/models"] }).Create();
        _extractor = new FaceExtractor(detector, ImageLimits.Default, FaceAlignment.Box, Side);
        _crop = new AlignImage(default, SyntheticPhoto.Jpeg(Side, Side), RequestOptions.Default with { Aligned = true });
        _photo = new AlignImage(default, SyntheticPhoto.Jpeg(500, 375), RequestOptions.Default);
    }

    [GlobalCleanup]
    public void CleanUp() => _extractor?.Dispose();

    [Benchmark]
    public bool ReadHeaders() => RequestHeaders.TryParse(HeaderText.Select(_headers, RequestHeaders.Prefix), out _, out _);

    [Benchmark]
    public int ExtractCrop() => _extractor!.Extract(_crop!).Faces.Count;

    [Benchmark]
    public int ExtractPhoto() => _extractor!.Extract(_photo!).Faces.Count;

    [Benchmark]
    public float Preprocess()
    {
        _normalisation!.Apply(_gray, _plane);
        return _plane[0];
    }
}
