using System.Text;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Vision.Tests.Imaging;

public class ImageHeaderProbeSpecs
{
    [Theory]
    [InlineData(".jpg", ImageFormat.Jpeg)]
    [InlineData(".png", ImageFormat.Png)]
    [InlineData(".webp", ImageFormat.WebP)]
    [InlineData(".bmp", ImageFormat.Bmp)]
    public void Each_format_tells_its_size(string extension, ImageFormat format)
    {
        var header = ImageHeaderProbe.Probe(TestPictures.Encode(extension, 50, 33));

        Assert.Equal((format, 50, 33, 1, 8, ColorKind.Rgb, false), (header.Format, header.Width, header.Height, header.Orientation, header.BitDepth, header.Color, header.IsAnimated));
        Assert.Equal((3, false, 1650L), (header.Channels, header.HasAlpha, header.Pixels));
    }

    [Fact]
    public void A_progressive_jpeg_and_one_with_restart_markers_are_read()
    {
        using var picture = TestPictures.Quadrants(96, 80);
        var progressive = TestPictures.Encode(".jpg", picture, new ImageEncodingParam(ImwriteFlags.JpegProgressive, 1));
        var restarts = TestPictures.Encode(".jpg", picture, new ImageEncodingParam(ImwriteFlags.JpegRstInterval, 1));

        Assert.Equal(96, ImageHeaderProbe.Probe(progressive).Width);
        Assert.Equal(80, ImageHeaderProbe.Probe(restarts).Height);
    }

    [Fact]
    public void A_gray_jpeg_has_one_channel()
    {
        using var gray = new Mat(9, 7, MatType.CV_8UC1, Scalar.All(90));

        Assert.Equal((ColorKind.Gray, 1), (ImageHeaderProbe.Probe(TestPictures.Encode(".jpg", gray)).Color, ImageHeaderProbe.Probe(TestPictures.Encode(".jpg", gray)).Channels));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(8)]
    public void The_orientation_of_a_jpeg_is_found_in_both_byte_orders(int orientation)
    {
        var jpeg = TestPictures.Encode(".jpg", 48, 32);
        foreach (var little in new[] { true, false })
        {
            var header = ImageHeaderProbe.Probe(TestPictures.WithSegment(jpeg, 0xE1, TestPictures.Exif(orientation, little)));

            Assert.Equal(orientation, header.Orientation);
            Assert.Equal(orientation >= 5 ? (32, 48) : (48, 32), (header.UprightWidth, header.UprightHeight));
        }
    }

    [Fact]
    public void The_first_exif_block_counts()
    {
        var jpeg = TestPictures.WithSegment(TestPictures.Encode(".jpg"), 0xE1, TestPictures.Exif(3));

        Assert.Equal(6, ImageHeaderProbe.Probe(TestPictures.WithSegment(jpeg, 0xE1, TestPictures.Exif(6))).Orientation);
    }

    [Fact]
    public void A_damaged_exif_block_means_upright()
    {
        var jpeg = TestPictures.Encode(".jpg");
        byte[] farDirectory = [.. "Exif\0\0II*\0"u8, 0xFF, 0xFF, 0xFF, 0x7F];
        byte[] manyEntries = [.. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3];
        byte[][] blocks =
        [
            TestPictures.Exif(0), TestPictures.Exif(9), TestPictures.Exif(6, type: 4), "Exif\0\0"u8.ToArray(), "Exif\0\0XX*\0aaaaaaaa"u8.ToArray(),
            farDirectory, manyEntries, TestPictures.Exif(6)[..20],
        ];
        foreach (var block in blocks)
        {
            Assert.Equal(1, ImageHeaderProbe.Probe(TestPictures.WithSegment(jpeg, 0xE1, block)).Orientation);
        }
    }

    [Fact]
    public void Png_and_webp_carry_an_orientation_too()
    {
        var exif = TestPictures.Exif(6, prefix: false);
        var png = TestPictures.WithChunk(TestPictures.Encode(".png"), "eXIf", exif);
        var webp = TestPictures.ExtendedWebP(TestPictures.Encode(".webp"), 48, 32, 0x08, ("EXIF", exif));

        Assert.Equal(6, ImageHeaderProbe.Probe(png).Orientation);
        Assert.Equal(6, ImageHeaderProbe.Probe(webp).Orientation);
    }

    [Theory]
    [InlineData(0, 16, ColorKind.Gray)]
    [InlineData(2, 16, ColorKind.Rgb)]
    [InlineData(3, 4, ColorKind.Palette)]
    [InlineData(4, 8, ColorKind.GrayAlpha)]
    [InlineData(6, 8, ColorKind.Rgba)]
    public void Png_tells_its_depth_and_colour(byte color, byte depth, ColorKind kind)
    {
        var png = Png(5, 6, depth, color);

        Assert.Equal((depth, kind), (ImageHeaderProbe.Probe(png).BitDepth, ImageHeaderProbe.Probe(png).Color));
    }

    [Theory]
    [InlineData(0, ColorKind.GrayAlpha)]
    [InlineData(2, ColorKind.Rgba)]
    [InlineData(3, ColorKind.PaletteAlpha)]
    [InlineData(6, ColorKind.Rgba)]
    public void A_png_with_transparent_colours_has_alpha(byte color, ColorKind kind)
    {
        var header = ImageHeaderProbe.Probe(TestPictures.WithChunk(Png(5, 6, 8, color), "tRNS", [0, 0]));

        Assert.Equal((kind, true), (header.Color, header.HasAlpha));
    }

    [Fact]
    public void Animations_are_told_from_stills()
    {
        var apng = TestPictures.WithChunk(TestPictures.Encode(".png"), "acTL", [0, 0, 0, 2, 0, 0, 0, 0]);
        var webp = TestPictures.Riff([.. "WEBP"u8, .. TestPictures.RiffChunk("VP8X", [0x02, 0, 0, 0, 9, 0, 0, 9, 0, 0]), .. TestPictures.RiffChunk("ANMF", new byte[16])]);

        Assert.True(ImageHeaderProbe.Probe(apng).IsAnimated);
        Assert.True(ImageHeaderProbe.Probe(webp).IsAnimated);
    }

    [Fact]
    public void A_lossless_webp_tells_its_size_and_alpha()
    {
        using var picture = new Mat(21, 30, MatType.CV_8UC4, new Scalar(1, 2, 3, 100));
        var webp = TestPictures.Encode(".webp", picture, new ImageEncodingParam(ImwriteFlags.WebPQuality, 101));
        var header = ImageHeaderProbe.Probe(webp);

        Assert.Equal((30, 21, true), (header.Width, header.Height, header.HasAlpha));
    }

    [Fact]
    public void A_bmp_may_be_stored_from_the_top_or_have_the_old_header()
    {
        byte[] core = [.. "BM"u8, .. new byte[8], 26, 0, 0, 0, 12, 0, 0, 0, 4, 0, 3, 0, 1, 0, 24, 0, .. new byte[36]];

        Assert.Equal(7, ImageHeaderProbe.Probe(TestPictures.Bmp(5, -7)).Height);
        Assert.Equal((4, 3), (ImageHeaderProbe.Probe(core).Width, ImageHeaderProbe.Probe(core).Height));
        Assert.Equal((5, ColorKind.Rgb), (ImageHeaderProbe.Probe(TestPictures.Bmp(5, 7, bits: 16)).BitDepth, ImageHeaderProbe.Probe(TestPictures.Bmp(5, 7, bits: 16)).Color));
        Assert.Equal(ColorKind.Palette, ImageHeaderProbe.Probe(TestPictures.Bmp(5, 7, bits: 8, compression: 1, dataBytes: 4)).Color);
    }

    public static TheoryData<string, byte[]> CorruptHeaders() => new()
    {
        { "PNG without width", TestPictures.PngHeaderOnly(0, 5) },
        { "PNG of negative height", TestPictures.PngHeaderOnly(5, -5) },
        { "PNG of 3 bits", TestPictures.PngHeaderOnly(5, 5, depth: 3) },
        { "PNG of unknown colour", TestPictures.PngHeaderOnly(5, 5, color: 5) },
        { "PNG without data", [.. TestPictures.PngHeaderOnly(5, 5), .. TestPictures.PngChunk("IEND", [])] },
        { "PNG whose first chunk is another", [.. TestPictures.PngHeaderOnly(5, 5).AsSpan(0, 8), .. TestPictures.PngChunk("IDAT", new byte[13])] },
        { "PNG of a signature", TestPictures.PngHeaderOnly(5, 5)[..8] },
        { "BMP without width", TestPictures.Bmp(0, 5) },
        { "BMP without height", TestPictures.Bmp(5, 0) },
        { "BMP of negative width", TestPictures.Bmp(-5, 5, dataBytes: 100) },
        { "BMP of the smallest height", TestPictures.Bmp(5, int.MinValue, dataBytes: 100) },
        { "BMP of two planes", TestPictures.Bmp(5, 5, planes: 2) },
        { "BMP of too few pixels", TestPictures.Bmp(5, 5, dataBytes: 79) },
        { "BMP of overflowing size", TestPictures.Bmp(int.MaxValue, int.MaxValue, dataBytes: 8) },
        { "BMP whose data lie outside", [.. "BM"u8, .. new byte[8], 255, 255, 255, 255, .. TestPictures.Bmp(5, 5).AsSpan(14)] },
        { "JPEG without a frame", [0xFF, 0xD8, 0xFF, 0xD9] },
        { "JPEG of a start marker", [0xFF, 0xD8] },
        { "JPEG without pixels", Frame(0xC0, 0, 8) },
        { "JPEG whose height comes later", Frame(0xC0, 8, 0) },
        { "JPEG with two frames", [.. Frame(0xC0, 8, 8).AsSpan(0, 21), .. Frame(0xC0, 8, 8).AsSpan(2)] },
        { "JPEG with two starts", [0xFF, 0xD8, 0xFF, 0xD8, 0xFF, 0xD9] },
        { "JPEG with a scan before its frame", [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0xFF, 0xD9] },
        { "JPEG with a segment of length 1", [0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 0xFF, 0xD9] },
        { "WebP without a picture", TestPictures.Riff([.. "WEBP"u8, .. TestPictures.RiffChunk("ICCP", new byte[20])]) },
        { "WebP of a wrong frame", TestPictures.Riff([.. "WEBP"u8, .. TestPictures.RiffChunk("VP8 ", new byte[20])]) },
        { "WebP of a wrong lossless frame", TestPictures.Riff([.. "WEBP"u8, .. TestPictures.RiffChunk("VP8L", new byte[20])]) },
        { "WebP whose canvas lies", TestPictures.ExtendedWebP(TestPictures.Encode(".webp"), 4, 4, 0) },
        { "extended WebP without a frame", TestPictures.Riff([.. "WEBP"u8, .. TestPictures.RiffChunk("VP8X", new byte[10])]) },
    };

    [Theory]
    [MemberData(nameof(CorruptHeaders))]
    public void A_header_without_sense_is_corrupt(string what, byte[] bytes)
    {
        var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(bytes));

        Assert.True(refusal.Code == ErrorCodes.CorruptImage, $"{what}: {refusal.Message}");
    }

    [Theory]
    [InlineData(".png")]
    [InlineData(".webp")]
    [InlineData(".bmp")]
    public void A_file_cut_anywhere_is_corrupt(string extension)
    {
        var whole = TestPictures.Encode(extension, 40, 24);
        for (var length = 12; length < whole.Length; length += 7)
        {
            var cut = whole[..length];
            var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(cut));
            Assert.Equal(ErrorCodes.CorruptImage, refusal.Code);
        }
    }

    [Fact]
    public void A_jpeg_cut_before_its_picture_data_is_corrupt()
    {
        var whole = TestPictures.Encode(".jpg", 40, 24);
        var scan = whole.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        for (var length = 12; length < scan + 10; length++)
        {
            var cut = whole[..length];
            Assert.Equal(ErrorCodes.CorruptImage, Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(cut)).Code);
        }
    }

    [Theory]
    [InlineData(0xC3, "lossless")]
    [InlineData(0xC9, "arithmetic")]
    [InlineData(0xCA, "arithmetic")]
    [InlineData(0xC5, "hierarchical")]
    [InlineData(0xF7, "JPEG-LS")]
    public void Rare_kinds_of_jpeg_are_not_supported(byte startOfFrame, string word)
    {
        var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(Frame(startOfFrame, 8, 8)));

        Assert.Equal(ErrorCodes.UnsupportedFormat, refusal.Code);
        Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(12, 3, "12 bits")]
    [InlineData(8, 2, "2 colour components")]
    [InlineData(8, 4, "without Adobe's marker")]
    public void Rare_samples_of_a_jpeg_are_not_supported(byte precision, byte components, string words)
    {
        var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(Frame(0xC0, 8, 8, precision, components)));

        Assert.Equal(ErrorCodes.UnsupportedFormat, refusal.Code);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_jpeg_of_very_many_scans_is_refused()
    {
        Assert.Equal(8, ImageHeaderProbe.Probe(HandMadeJpeg.Encode([100], scans: 64)).Width);

        var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(HandMadeJpeg.Encode([100], scans: 65)));
        Assert.Equal(ErrorCodes.UnsupportedFormat, refusal.Code);
    }

    [Theory]
    [InlineData(24, 4)]
    [InlineData(2, 0)]
    [InlineData(8, 2)]
    [InlineData(24, 5)]
    public void Rare_kinds_of_bmp_are_not_supported(short bits, int compression) =>
        Assert.Equal(ErrorCodes.UnsupportedFormat, Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(TestPictures.Bmp(8, 8, bits, compression))).Code);

    public static TheoryData<byte[], string> OtherFormats() => new()
    {
        { "GIF89a......"u8.ToArray(), "GIF" },
        { "II*\0\b\0\0\0"u8.ToArray(), "TIFF" },
        { "MM\0*\0\0\0\b"u8.ToArray(), "TIFF" },
        { "\0\0\0\u0018ftypheic\0\0\0\0"u8.ToArray(), "HEIC" },
        { "\0\0\0\u0018ftypmif1\0\0\0\0"u8.ToArray(), "HEIC" },
        { "\0\0\0\u0018ftypavif\0\0\0\0"u8.ToArray(), "AVIF" },
        { "\0\0\0\u0018ftypisom\0\0\0\0"u8.ToArray(), "video" },
        { "\0\0\0\fjP  \r\n"u8.ToArray(), "JPEG 2000" },
        { "\0\0\0\fJXL \r\n"u8.ToArray(), "JPEG XL" },
        { [0xFF, 0x0A, 1, 2], "JPEG XL" },
        { "%PDF-1.7"u8.ToArray(), "PDF" },
        { "8BPS\0\u0001"u8.ToArray(), "Photoshop" },
        { "\0\0\u0001\0\u0001\0"u8.ToArray(), "ICO" },
        { "PK\u0003\u0004"u8.ToArray(), "ZIP" },
        { [0x1F, 0x8B, 8, 0], "gzip" },
        { "<?xml version='1.0'?>\n<svg width='9'/>"u8.ToArray(), "SVG" },
        { [0xEF, 0xBB, 0xBF, .. "  <html>"u8], "HTML" },
        { "{\"image\":\"...\"}"u8.ToArray(), "JSON" },
        { "/9j/4AAQSkZJRgABAQ"u8.ToArray(), "base64" },
        { "data:image/png;base64,iVBOR"u8.ToArray(), "base64" },
        { "hello"u8.ToArray(), "a text" },
        { [0, 1, 2, 3, 4, 0xFE], "no image format" },
        { "BM, the initials"u8.ToArray(), "like a BMP" },
    };

    [Theory]
    [MemberData(nameof(OtherFormats))]
    public void Another_format_is_named_in_the_refusal(byte[] bytes, string name)
    {
        var padded = name == "like a BMP" ? [.. bytes, .. new byte[20]] : bytes;
        var refusal = Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe(padded));

        Assert.Equal(ErrorCodes.UnsupportedFormat, refusal.Code);
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_bytes_are_an_empty_body() =>
        Assert.Equal(ErrorCodes.EmptyBody, Assert.Throws<ImageRejectedException>(() => ImageHeaderProbe.Probe([])).Code);

    [Fact]
    public void Bytes_after_the_end_do_not_matter()
    {
        byte[] jpeg = [.. TestPictures.Encode(".jpg"), .. Encoding.ASCII.GetBytes("a trailer of the camera")];

        Assert.Equal(48, ImageHeaderProbe.Probe(jpeg).Width);
    }

    [Fact]
    public void Mutated_files_give_a_header_or_a_refusal_and_nothing_else()
    {
        var random = new Random(20_260_801);
        byte[][] seeds =
        [
            TestPictures.Encode(".jpg"), TestPictures.Encode(".png"), TestPictures.Encode(".webp"), TestPictures.Encode(".bmp", 9, 9),
            TestPictures.WithSegment(TestPictures.Encode(".jpg"), 0xE1, TestPictures.Exif(6)),
            TestPictures.WithChunk(TestPictures.Encode(".png"), "eXIf", TestPictures.Exif(6, prefix: false)),
            TestPictures.ExtendedWebP(TestPictures.Encode(".webp"), 48, 32, 0x08, ("EXIF", TestPictures.Exif(3, prefix: false))),
            HandMadeJpeg.Encode([1, 2, 3]),
        ];
        var (headers, refusals) = (0, 0);
        for (var round = 0; round < 8000; round++)
        {
            var bytes = Mutate(seeds[round % seeds.Length], random);
            try
            {
                var header = ImageHeaderProbe.Probe(bytes);
                Assert.InRange(header.Orientation, 1, 8);
                Assert.True(header.Width > 0 && header.Height > 0);
                headers++;
            }
            catch (ImageRejectedException)
            {
                refusals++;
            }
        }

        Assert.True(headers > 500 && refusals > 500, $"{headers} headers, {refusals} refusals");
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = (byte[])seed.Clone();
        var window = Math.Min(bytes.Length, random.Next(2) == 0 ? 64 : bytes.Length);
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            bytes[random.Next(window)] = random.Next(4) switch
            {
                0 => 0xFF,
                1 => 0,
                2 => 0x7F,
                _ => (byte)random.Next(256),
            };
        }

        return random.Next(5) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static byte[] Png(int width, int height, byte depth, byte color) =>
        [.. TestPictures.PngHeaderOnly(width, height, depth, color), .. TestPictures.PngChunk("IDAT", [1]), .. TestPictures.PngChunk("IEND", [])];

    private static byte[] Frame(byte marker, byte width, byte height, byte precision = 8, byte components = 3) =>
        [0xFF, 0xD8, 0xFF, marker, 0, 17, precision, 0, height, 0, width, components, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xFF, 0xD9];
}
