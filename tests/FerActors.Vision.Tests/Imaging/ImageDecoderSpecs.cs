using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Vision.Tests.Imaging;

public class ImageDecoderSpecs
{
    [Theory]
    [InlineData(".jpg")]
    [InlineData(".png")]
    [InlineData(".webp")]
    [InlineData(".bmp")]
    public void Each_format_is_decoded_to_bgr(string extension)
    {
        using var image = ImageDecoder.Decode(TestPictures.Encode(extension), ImageLimits.Default);

        Assert.Equal((48, 32, MatType.CV_8UC3), (image.Width, image.Height, image.Bgr.Type()));
        Assert.Equal("RGWB", TestPictures.Corners(image.Bgr));
        Assert.Equal(extension.Replace("jpg", "jpeg", StringComparison.Ordinal)[1..], image.Format.Name());
    }

    // The stored picture has, clockwise, red, green, white, blue corners.
    [Theory]
    [InlineData(1, "RGWB")]
    [InlineData(2, "GRBW")]
    [InlineData(3, "WBRG")]
    [InlineData(4, "BWGR")]
    [InlineData(5, "RBWG")]
    [InlineData(6, "BRGW")]
    [InlineData(7, "WGRB")]
    [InlineData(8, "GWBR")]
    public void Every_orientation_is_applied_exactly_once(int orientation, string corners)
    {
        var exif = TestPictures.Exif(orientation, prefix: false);
        byte[][] files =
        [
            TestPictures.WithSegment(TestPictures.Encode(".jpg"), 0xE1, TestPictures.Exif(orientation)),
            TestPictures.WithChunk(TestPictures.Encode(".png"), "eXIf", exif),
            TestPictures.ExtendedWebP(TestPictures.Encode(".webp"), 48, 32, 0x08, ("EXIF", exif)),
        ];
        foreach (var file in files)
        {
            using var image = ImageDecoder.Decode(file, ImageLimits.Default);

            Assert.Equal(corners, TestPictures.Corners(image.Bgr));
            Assert.Equal(orientation >= 5 ? (32, 48) : (48, 32), (image.Width, image.Height));
            Assert.Equal((image.Width, image.Height), (image.Bgr.Width, image.Bgr.Height));
        }
    }

    [Fact]
    public void An_oriented_picture_with_alpha_is_turned_once_too()
    {
        using var picture = TestPictures.Quadrants();
        Cv2.CvtColor(picture, picture, ColorConversionCodes.BGR2BGRA);
        var png = TestPictures.WithChunk(TestPictures.Encode(".png", picture), "eXIf", TestPictures.Exif(6, prefix: false));

        using var image = ImageDecoder.Decode(png, ImageLimits.Default);

        Assert.Equal("BRGW", TestPictures.Corners(image.Bgr));
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".webp")]
    public void Transparency_is_put_on_white(string extension)
    {
        using var picture = new Mat(16, 16, MatType.CV_8UC4, new Scalar(10, 20, 30, 0));
        picture[new Rect(8, 0, 8, 16)].SetTo(new Scalar(0, 0, 100, 255));
        picture[new Rect(0, 8, 8, 8)].SetTo(new Scalar(100, 100, 100, 51));
        var quality = extension == ".webp" ? [new ImageEncodingParam(ImwriteFlags.WebPQuality, 101)] : Array.Empty<ImageEncodingParam>();

        using var image = ImageDecoder.Decode(TestPictures.Encode(extension, picture, quality), ImageLimits.Default);

        Assert.Equal(new Vec3b(255, 255, 255), image.Bgr.At<Vec3b>(2, 2));
        Assert.Equal(new Vec3b(0, 0, 100), image.Bgr.At<Vec3b>(2, 12));
        Assert.Equal(new Vec3b(224, 224, 224), image.Bgr.At<Vec3b>(12, 2));
    }

    [Fact]
    public void Sixteen_bits_are_scaled_to_eight()
    {
        foreach (var type in new[] { MatType.CV_16UC1, MatType.CV_16UC3, MatType.CV_16UC4 })
        {
            using var picture = new Mat(8, 8, type, new Scalar(65535, 65535, 65535, 65535));
            picture[new Rect(0, 0, 4, 8)].SetTo(new Scalar(25700, 25700, 25700, 65535));
            using var image = ImageDecoder.Decode(TestPictures.Encode(".png", picture), ImageLimits.Default);

            Assert.Equal(new Vec3b(100, 100, 100), image.Bgr.At<Vec3b>(4, 1));
            Assert.Equal(new Vec3b(255, 255, 255), image.Bgr.At<Vec3b>(4, 6));
        }
    }

    [Fact]
    public void A_gray_picture_becomes_three_equal_channels()
    {
        using var gray = new Mat(8, 8, MatType.CV_8UC1, Scalar.All(77));
        using var image = ImageDecoder.Decode(TestPictures.Encode(".png", gray), ImageLimits.Default);

        Assert.Equal(new Vec3b(77, 77, 77), image.Bgr.At<Vec3b>(3, 3));
    }

    [Fact]
    public void Adobes_inverted_inks_come_out_in_their_colour()
    {
        byte[] adobe = [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0];
        // Stored inverted: no cyan, much magenta and yellow, no black; that is red.
        var jpeg = TestPictures.WithSegment(HandMadeJpeg.Encode([255, 40, 40, 255]), 0xEE, adobe);

        Assert.Equal(ColorKind.Cmyk, ImageHeaderProbe.Probe(jpeg).Color);
        using var image = ImageDecoder.Decode(jpeg, ImageLimits.Default);
        var pixel = image.Bgr.At<Vec3b>(4, 4);
        Assert.True(pixel.Item2 > 240 && pixel.Item1 is > 30 and < 50 && pixel.Item0 is > 30 and < 50, $"{pixel.Item0} {pixel.Item1} {pixel.Item2}");
    }

    [Fact]
    public void A_bmp_of_32_bits_with_zero_padding_is_opaque()
    {
        var bmp = TestPictures.Bmp(4, 4, bits: 32);
        for (var i = 54; i < bmp.Length; i += 4)
        {
            bmp[i + 2] = 200;
        }

        using var image = ImageDecoder.Decode(bmp, ImageLimits.Default);

        Assert.Equal(new Vec3b(0, 0, 200), image.Bgr.At<Vec3b>(1, 1));
    }

    [Fact]
    public void Too_many_bytes_are_refused_before_they_are_looked_at() =>
        Assert.Equal(ErrorCodes.TooLarge, Refusal(new byte[101], new ImageLimits(100, 1000, 100)).Code);

    [Fact]
    public void A_huge_picture_is_refused_by_its_header_alone()
    {
        foreach (var bomb in new[] { TestPictures.PngHeaderOnly(30_000, 30_000), TestPictures.Bmp(30_000, 30_000, dataBytes: 10), TestPictures.PngHeaderOnly(8193, 1) })
        {
            var refusal = Refusal(bomb, ImageLimits.Default);
            Assert.Equal(ErrorCodes.TooLarge, refusal.Code);
            Assert.Contains(" x ", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_pixel_limit_counts_the_area()
    {
        var png = TestPictures.Encode(".png", 40, 30);

        using var image = ImageDecoder.Decode(png, new ImageLimits(1 << 20, 1200, 100));
        Assert.Equal(40, image.Width);
        Assert.Equal(ErrorCodes.TooLarge, Refusal(png, new ImageLimits(1 << 20, 1199, 100)).Code);
        Assert.Equal(ErrorCodes.TooLarge, Refusal(png, new ImageLimits(1 << 20, 1200, 39)).Code);
    }

    [Fact]
    public void An_animation_is_not_supported()
    {
        var apng = TestPictures.WithChunk(TestPictures.Encode(".png"), "acTL", [0, 0, 0, 2, 0, 0, 0, 0]);
        var refusal = Refusal(apng, ImageLimits.Default);

        Assert.Equal(ErrorCodes.UnsupportedFormat, refusal.Code);
        Assert.Contains("animated", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".jpg")]
    [InlineData(".png")]
    [InlineData(".webp")]
    [InlineData(".bmp")]
    public void A_truncated_picture_is_corrupt(string extension)
    {
        var whole = TestPictures.Encode(extension, 64, 64);

        Assert.Equal(ErrorCodes.CorruptImage, Refusal(whole[..(whole.Length * 2 / 3)], ImageLimits.Default).Code);
    }

    [Fact]
    public void Damage_that_only_the_decoder_can_see_is_corrupt()
    {
        using var noise = new Mat(64, 64, MatType.CV_8UC3);
        Cv2.Randu(noise, Scalar.All(0), Scalar.All(255));
        var png = TestPictures.Encode(".png", noise);
        png.AsSpan(png.Length / 2, 200).Fill(0xAA);
        var webp = TestPictures.Encode(".webp", noise);
        webp.AsSpan(30, webp.Length - 40).Clear();
        var header = TestPictures.PngHeaderOnly(8, 8);
        byte[] empty = [.. header, .. TestPictures.PngChunk("IDAT", [0x78, 0x9C, 3, 0, 0, 0, 0, 1]), .. TestPictures.PngChunk("IEND", [])];
        byte[] noTables = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9];

        foreach (var file in new[] { png, webp, empty, noTables })
        {
            Assert.Equal(ErrorCodes.CorruptImage, Refusal(file, ImageLimits.Default).Code);
        }
    }

    [Fact]
    public void A_jpeg_cut_anywhere_in_its_picture_data_is_corrupt()
    {
        var whole = TestPictures.Encode(".jpg", 64, 64);
        for (var length = whole.Length - 3; length > 20; length -= 3)
        {
            Assert.Equal(ErrorCodes.CorruptImage, Refusal(whole[..length], ImageLimits.Default).Code);
            Assert.Equal(ErrorCodes.CorruptImage, Refusal([.. whole[..length], 0xFF, 0xD9], ImageLimits.Default).Code);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_jpeg_that_lacks_its_end_marker_alone_is_decoded_to_the_same_pixels(int progressive)
    {
        using var picture = TestPictures.Quadrants(200, 120);
        var whole = TestPictures.Encode(".jpg", picture, new ImageEncodingParam(ImwriteFlags.JpegProgressive, progressive));
        using var expected = ImageDecoder.Decode(whole, ImageLimits.Default);
        foreach (var file in new[] { whole[..^2], whole[..^1], [.. whole[..^2], 0, 0, 0, 0] })
        {
            using var image = ImageDecoder.Decode(file, ImageLimits.Default);

            Assert.Equal(0, Cv2.Norm(expected.Bgr, image.Bgr));
        }
    }

    [Fact]
    public void Mutated_files_are_decoded_or_refused_and_nothing_else()
    {
        var random = new Random(7);
        byte[][] seeds = [TestPictures.Encode(".jpg"), TestPictures.Encode(".png"), TestPictures.Encode(".webp"), TestPictures.Encode(".bmp", 9, 9)];
        var limits = new ImageLimits(1 << 20, 100_000, 1000);
        var refusals = 0;
        for (var round = 0; round < 1200; round++)
        {
            var bytes = (byte[])seeds[round % seeds.Length].Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                using var image = ImageDecoder.Decode(bytes, limits);
                Assert.Equal(MatType.CV_8UC3, image.Bgr.Type());
            }
            catch (ImageRejectedException)
            {
                refusals++;
            }
        }

        Assert.True(refusals > 100, $"{refusals} refusals");
    }

    [Fact]
    public void The_default_limits_are_those_of_the_options()
    {
        Assert.Equal(new ImageLimits(8 * 1024 * 1024, 25_000_000, 8192), ImageLimits.Default);
        Assert.Equal(new ImageLimits(5, 6, 7), ImageLimits.From(new ImageLimitsOptions { MaxBytes = 5, MaxPixels = 6, MaxSide = 7 }));
    }

    private static ImageRejectedException Refusal(byte[] bytes, ImageLimits limits) =>
        Assert.Throws<ImageRejectedException>(() => ImageDecoder.Decode(bytes, limits).Dispose());
}
