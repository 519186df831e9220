using FerActors.Inference.Faces;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Pipeline;

public sealed class FaceExtractorSpecs : IDisposable
{
    private const int Side = 24;

    private static readonly DeliveryKey Key = new(3, 7);

    private readonly FakeFaceDetector _detector = new();
    private readonly FaceExtractor _extractor;

    public FaceExtractorSpecs() => _extractor = new FaceExtractor(_detector, ImageLimits.Default, FaceAlignment.Similarity, Side);

    public void Dispose() => _extractor.Dispose();

    [Fact]
    public void Every_face_is_cut_out_in_the_detectors_order()
    {
        var aligned = Extract(FakeFaceDetector.Picture(3), RequestOptions.Default);

        Assert.Equal(Key, aligned.Key);
        Assert.Equal(new ImageInfo(128, 96, "png"), aligned.Image);
        Assert.Equal([48.0, 47, 46], aligned.Faces.Select(f => f.Face.Box.Height));
        Assert.All(aligned.Faces, f => Assert.Equal(Side * Side, f.Crop.Gray.Length));
        Assert.All(aligned.Faces, f => Assert.Null(f.CropPng));
        Assert.All(aligned.Faces, f => Assert.False(f.Crop.WantsAttention));
        Assert.All(aligned.Faces, f => Assert.Equal(FaceGeometry.RollDegrees(FakeFaceDetector.Landmarks), f.RollDegrees));
        Assert.All(new[] { aligned.DecodeMs, aligned.DetectMs, aligned.AlignMs }, ms => Assert.True(ms >= 0 && double.IsFinite(ms)));
    }

    [Fact]
    public void The_crop_is_the_aligners()
    {
        var picture = TestPictures.Encode(".png", Noise());
        using var image = ImageDecoder.Decode(picture, ImageLimits.Default);
        var face = _detector.Detect(image.Bgr)[0];

        var aligned = Extract(picture, RequestOptions.Default);

        Assert.Equal(FaceAligner.Align(image.Bgr, face, Side), aligned.Faces[0].Crop.Gray);
    }

    [Fact]
    public void Faces_beyond_the_limit_are_counted_and_the_cut_is_told()
    {
        using var crowd = new FaceExtractor(new FakeFaceDetector { Beyond = 36 }, ImageLimits.Default, FaceAlignment.Similarity, Side);
        var request = new AlignImage(Key, FakeFaceDetector.Picture(3), RequestOptions.Default);

        Assert.Equal(new DetectionSummary(39, IsCut: true, 1), crowd.Extract(request).Detection);
        Assert.Equal(new DetectionSummary(3, IsCut: false, 1), _extractor.Extract(request).Detection);
        var largest = request with { Request = RequestOptions.Default with { Faces = FaceSelection.Largest } };
        Assert.Equal(new DetectionSummary(3, IsCut: false, 1), _extractor.Extract(largest).Detection);
        Assert.Null(_extractor.Extract(request with { Request = RequestOptions.Default with { Aligned = true } }).Detection);
    }

    [Fact]
    public void On_request_only_the_largest_face_is_cut_out()
    {
        var aligned = Extract(FakeFaceDetector.Picture(3), RequestOptions.Default with { Faces = FaceSelection.Largest });

        Assert.Equal(48, Assert.Single(aligned.Faces).Face.Box.Height);
    }

    [Theory]
    [InlineData(FaceSelection.All)]
    [InlineData(FaceSelection.Largest)]
    public void A_picture_without_faces_has_none(FaceSelection selection) =>
        Assert.Empty(Extract(FakeFaceDetector.Picture(0), RequestOptions.Default with { Faces = selection }).Faces);

    [Fact]
    public void The_wish_for_attention_goes_to_the_model()
    {
        var aligned = Extract(FakeFaceDetector.Picture(2), RequestOptions.Default with { Include = IncludeParts.Attention });

        Assert.All(aligned.Faces, f => Assert.True(f.Crop.WantsAttention));
    }

    [Fact]
    public void The_crop_comes_as_a_png_on_request()
    {
        var aligned = Extract(TestPictures.Encode(".png", Noise()), RequestOptions.Default with { Include = IncludeParts.Crop });

        Assert.All(aligned.Faces, f =>
        {
            using var png = Cv2.ImDecode(f.CropPng!, ImreadModes.Unchanged);
            Assert.Equal((Side, Side, MatType.CV_8UC1), (png.Width, png.Height, png.Type()));
            Assert.Equal(f.Crop.Gray, png.AsSpan<byte>().ToArray());
        });
    }

    [Fact]
    public void An_aligned_crop_of_the_models_size_goes_through_unchanged_and_undetected()
    {
        using var gray = new Mat(Side, Side, MatType.CV_8UC1);
        Cv2.Randu(gray, Scalar.All(0), Scalar.All(255));

        var aligned = Extract(TestPictures.Encode(".png", gray), RequestOptions.Default with { Aligned = true });

        var face = Assert.Single(aligned.Faces);
        Assert.Equal(gray.AsSpan<byte>().ToArray(), face.Crop.Gray);
        Assert.Equal(new FaceBox(0, 0, Side, Side), face.Face.Box);
        Assert.Null(face.Face.Landmarks);
        Assert.Null(face.Face.Score);
        Assert.Equal(0, face.RollDegrees);
        Assert.Equal(0, aligned.DetectMs);
        Assert.Empty(_detector.Threads);
    }

    [Theory]
    [InlineData(96, 96)]
    [InlineData(12, 12)]
    [InlineData(30, 10)]
    public void An_aligned_crop_of_another_size_is_brought_to_the_models(int width, int height)
    {
        using var gray = new Mat(height, width, MatType.CV_8UC1, Scalar.All(90));

        var aligned = Extract(TestPictures.Encode(".png", gray), RequestOptions.Default with { Aligned = true });

        var crop = Assert.Single(aligned.Faces).Crop.Gray;
        Assert.Equal(Side * Side, crop.Length);
        Assert.All(crop, value => Assert.Equal(90, value));
    }

    [Fact]
    public void What_is_no_picture_is_refused_with_its_code()
    {
        Assert.Equal(ErrorCodes.EmptyBody, Assert.Throws<ImageRejectedException>(() => Extract([], RequestOptions.Default)).Code);
        Assert.Equal(
            ErrorCodes.UnsupportedFormat,
            Assert.Throws<ImageRejectedException>(() => Extract("no picture"u8.ToArray(), RequestOptions.Default)).Code);
    }

    [Fact]
    public void The_detector_goes_with_the_extractor()
    {
        _extractor.Dispose();

        Assert.True(_detector.Disposed.IsSet);
    }

    private ImageAligned Extract(byte[] picture, RequestOptions request) => _extractor.Extract(new AlignImage(Key, picture, request));

    private static Mat Noise()
    {
        var picture = new Mat(96, 128, MatType.CV_8UC3);
        Cv2.Randu(picture, Scalar.All(0), Scalar.All(255));
        picture.Set(0, 0, new Vec3b(2, 0, 0));
        return picture;
    }
}
