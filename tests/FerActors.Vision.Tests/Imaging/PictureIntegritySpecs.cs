using System.Runtime.InteropServices;
using FerActors.Vision.Imaging;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Vision.Tests.Imaging;

public class PictureIntegritySpecs
{
    private const int Progressive = 1;

    /// <summary>OpenCV's IMWRITE_JPEG_SAMPLING_FACTOR, which OpenCvSharp does not name.</summary>
    private const ImwriteFlags SamplingFactor = (ImwriteFlags)7;

    static PictureIntegritySpecs() => OpenCvRuntime.EnsureLoaded();

    public static TheoryData<int, int, int, int> Encodings()
    {
        var all = new TheoryData<int, int, int, int>();
        foreach (var quality in new[] { 1, 30, 75, 95, 100 })
        {
            foreach (var progressive in new[] { 0, Progressive })
            {
                foreach (var restart in new[] { 0, 1, 7 })
                {
                    foreach (var sampling in new[] { 0x411111, 0x221111, 0x211111, 0x121111, 0x111111 })
                    {
                        all.Add(quality, progressive, restart, sampling);
                    }
                }
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Every_whole_encoding_passes_and_no_cut_one_does(int quality, int progressive, int restart, int sampling)
    {
        var jpeg = Encode(Photo(83, 61), quality, progressive, restart, sampling);

        Assert.Null(PictureIntegrity.FindDamage(jpeg));
        Assert.Null(PictureIntegrity.FindDamage(jpeg.AsSpan(0, jpeg.Length - 2)));
        for (var length = 2; length < jpeg.Length - 3; length += 11)
        {
            Assert.NotNull(PictureIntegrity.FindDamage(jpeg.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Progressive)]
    public void A_file_cut_at_any_byte_is_damaged_with_and_without_an_end_marker(int progressive)
    {
        var jpeg = Encode(Photo(48, 40), 80, progressive);
        for (var length = 2; length < jpeg.Length - 3; length++)
        {
            Assert.NotNull(PictureIntegrity.FindDamage(jpeg.AsSpan(0, length)));
            Assert.NotNull(PictureIntegrity.FindDamage([.. jpeg.AsSpan(0, length), 0xFF, 0xD9]));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Progressive)]
    public void A_grey_picture_of_any_size_passes(int progressive)
    {
        for (var side = 1; side < 40; side++)
        {
            using var gray = new Mat();
            Cv2.CvtColor(Photo(side, 41 - side), gray, ColorConversionCodes.BGR2GRAY);

            Assert.Null(PictureIntegrity.FindDamage(Encode(gray, 80, progressive, restart: side % 3)));
        }
    }

    [Fact]
    public void A_frame_of_motion_jpeg_passes_without_its_huffman_tables()
    {
        var jpeg = Encode(Photo(64, 48), 80);
        List<byte> bare = [];
        for (var at = 2; jpeg[at + 1] != 0xDA;)
        {
            var length = (jpeg[at + 2] << 8) + jpeg[at + 3] + 2;
            bare.AddRange(jpeg[at + 1] == 0xC4 ? [] : jpeg[at..(at + length)]);
            at += length;
        }

        byte[] frame = [0xFF, 0xD8, .. bare, .. jpeg.AsSpan(ScanAt(jpeg))];

        Assert.True(frame.Length < jpeg.Length - 400);
        Assert.Null(PictureIntegrity.FindDamage(frame));
    }

    [Fact]
    public void Padding_after_the_last_block_is_no_damage_and_other_bytes_are()
    {
        var jpeg = Encode(Photo(64, 48), 80);
        var data = jpeg.AsSpan(0, jpeg.Length - 2);

        Assert.Null(PictureIntegrity.FindDamage([.. data, 0, 0, 0, 0xFF, 0xD9]));
        Assert.Null(PictureIntegrity.FindDamage([.. data, 0xFF, 0xFF, 0xFF, 0xD9]));
        Assert.Null(PictureIntegrity.FindDamage([.. jpeg, 1, 2, 3]));
        Assert.Contains("go on", PictureIntegrity.FindDamage([.. data, 1, 2, 3, 0xFF, 0xD9]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_claims_more_than_its_data_hold_is_told_at_once()
    {
        var jpeg = Encode(new Mat(16, 16, MatType.CV_8UC3, Scalar.All(120)), 80);
        var frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        (jpeg[frame + 5], jpeg[frame + 6], jpeg[frame + 7], jpeg[frame + 8]) = (3000 >> 8, 3000 & 0xFF, 8000 >> 8, 8000 & 0xFF);

        Assert.Equal("is truncated: its picture data end too early", PictureIntegrity.FindDamage(jpeg));
    }

    [Fact]
    public void A_progressive_file_without_its_last_scans_is_incomplete()
    {
        var jpeg = Encode(Photo(64, 48), 80, Progressive);
        var scans = Enumerable.Range(0, jpeg.Length - 1).Where(i => jpeg[i] == 0xFF && jpeg[i + 1] is 0xDA or 0xC4).ToList();
        var cut = 0;
        foreach (var at in scans.Where(at => at > ScanAt(jpeg)))
        {
            cut++;
            Assert.Contains("scans that would complete it", PictureIntegrity.FindDamage([.. jpeg.AsSpan(0, at), 0xFF, 0xD9]), StringComparison.Ordinal);
        }

        Assert.True(cut > 8, $"{cut} scans");
    }

    [Fact]
    public void A_lost_restart_marker_is_damage()
    {
        var jpeg = Encode(Photo(128, 96), 80, restart: 1);
        for (var i = ScanAt(jpeg); i < jpeg.Length - 1; i++)
        {
            if (jpeg[i] == 0xFF && jpeg[i + 1] is >= 0xD0 and <= 0xD7)
            {
                Assert.NotNull(PictureIntegrity.FindDamage([.. jpeg.AsSpan(0, i), .. jpeg.AsSpan(i + 2)]));
                var wrong = (byte[])jpeg.Clone();
                wrong[i + 1] ^= 1;
                Assert.NotNull(PictureIntegrity.FindDamage(wrong));
            }
        }
    }

    // libjpeg-turbo's djpeg -strict warned of 236 of 300 files that were damaged like these, and this check of all those and 20 more.
    [Theory]
    [InlineData(0, 1, 20)]
    [InlineData(0, 5, 65)]
    [InlineData(0, 40, 98)]
    [InlineData(Progressive, 1, 30)]
    [InlineData(Progressive, 5, 80)]
    [InlineData(Progressive, 40, 98)]
    public void Most_of_what_damages_the_data_is_found_and_nothing_crashes(int progressive, int changes, int percent)
    {
        var random = new Random(17);
        var jpeg = Encode(Photo(320, 240), 85, progressive);
        var found = 0;
        const int rounds = 700;
        for (var round = 0; round < rounds; round++)
        {
            var bytes = (byte[])jpeg.Clone();
            for (var i = 0; i < changes; i++)
            {
                bytes[random.Next(ScanAt(jpeg) + 14, bytes.Length - 2)] ^= (byte)random.Next(1, 256);
            }

            found += PictureIntegrity.FindDamage(bytes) is null ? 0 : 1;
        }

        Assert.True(found * 100 >= rounds * percent, $"{found} of {rounds}");
    }

    [Fact]
    public void Noise_in_the_data_is_always_found()
    {
        var random = new Random(5);
        var jpeg = Encode(Photo(160, 120), 85);
        for (var round = 0; round < 300; round++)
        {
            var bytes = (byte[])jpeg.Clone();
            random.NextBytes(bytes.AsSpan((ScanAt(jpeg) + jpeg.Length) / 2, jpeg.Length / 4));

            Assert.NotNull(PictureIntegrity.FindDamage(bytes));
        }
    }

    [Fact]
    public void Damage_anywhere_in_a_file_never_crashes_the_check()
    {
        var random = new Random(9);
        byte[][] seeds =
        [
            Encode(Photo(40, 32), 60), Encode(Photo(40, 32), 60, Progressive), Encode(Photo(40, 32), 60, restart: 1),
            Encode(Photo(40, 32), 60, Progressive, restart: 1, sampling: 0x111111),
        ];
        var damaged = 0;
        for (var round = 0; round < 12_000; round++)
        {
            var bytes = (byte[])seeds[round % seeds.Length].Clone();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                bytes[random.Next(2, bytes.Length)] = (byte)random.Next(256);
            }

            damaged += PictureIntegrity.FindDamage(bytes.AsSpan(0, random.Next(4) == 0 ? random.Next(2, bytes.Length) : bytes.Length)) is null ? 0 : 1;
        }

        Assert.InRange(damaged, 6000, 12_000);
    }

    [Fact]
    public void A_run_length_coded_bmp_must_have_all_of_its_pixels()
    {
        byte[] row = [40, 200, 0, 0];
        byte[] absolute = [0, 5, 1, 2, 3, 4, 5, 0, 35, 9, 0, 0];
        var rows = Enumerable.Repeat(row, 19).SelectMany(bytes => bytes).ToArray();

        Assert.Null(PictureIntegrity.FindDamage(RunLengthBmp([.. rows, .. absolute, 0, 1])));
        Assert.Null(PictureIntegrity.FindDamage(RunLengthBmp([.. rows, .. row])));
        foreach (var data in new byte[][] { [], [0, 1], [.. rows, 0, 1], [0, 2, 39, 19, 1, 200, 0, 1], [.. rows, .. absolute.AsSpan(0, 8)] })
        {
            Assert.Equal("is truncated: its picture data end too early", PictureIntegrity.FindDamage(RunLengthBmp(data)));
        }
    }

    private static byte[] RunLengthBmp(byte[] data)
    {
        var header = new byte[54];
        "BM"u8.CopyTo(header);
        (header[10], header[14], header[18], header[22], header[26], header[28], header[30]) = (54, 40, 40, 20, 1, 8, 1);
        return [.. header, .. data];
    }

    private static int ScanAt(byte[] jpeg) => jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);

    /// <summary>Smooth shapes, edges and noise, as a photo has them.</summary>
    private static Mat Photo(int width, int height)
    {
        var photo = new Mat(height, width, MatType.CV_8UC3);
        new Random(3).NextBytes(MemoryMarshal.AsBytes(photo.AsSpan<Vec3b>()));
        Cv2.GaussianBlur(photo, photo, new Size(7, 7), 3);
        Cv2.Circle(photo, new Point(width / 2, height / 2), Math.Max(1, Math.Min(width, height) / 3), new Scalar(60, 120, 220), -1);
        return photo;
    }

    private static byte[] Encode(Mat picture, int quality, int progressive = 0, int restart = 0, int sampling = 0x221111)
    {
        Cv2.ImEncode(
            ".jpg",
            picture,
            out var jpeg,
            new ImageEncodingParam(ImwriteFlags.JpegQuality, quality),
            new ImageEncodingParam(ImwriteFlags.JpegProgressive, progressive),
            new ImageEncodingParam(ImwriteFlags.JpegRstInterval, restart),
            new ImageEncodingParam(SamplingFactor, sampling));
        picture.Dispose();
        return jpeg;
    }
}
