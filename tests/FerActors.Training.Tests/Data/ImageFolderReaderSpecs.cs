using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using OpenCvSharp;

namespace FerActors.Training.Tests.Data;

public sealed class ImageFolderReaderSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task Folders_become_usages_and_labels_in_a_fixed_order()
    {
        RequireOpenCv();
        _folder.Write("test/sad/1.png", Encode(SyntheticFer.Image(0)));
        _folder.Write("train/happy/b.png", Encode(SyntheticFer.Image(1)));
        _folder.Write("train/happy/a.png", Encode(SyntheticFer.Image(2)));
        _folder.Write("validation/Anger/1.png", Encode(SyntheticFer.Image(3)));
        _folder.Write("train/happy/.DS_Store", [1]);
        _folder.Write("train/happy/Thumbs.db", [1]);
        _folder.Write("train/happy/desktop.ini", [1]);

        var set = await FerDataSource.OpenAsync(_folder.Root);

        Assert.Equal(4, set.Count);
        Assert.Equal([Expression.Happy, Expression.Happy, Expression.Angry, Expression.Sad], set.Labels());
        Assert.Equal(
            [FerUsage.Training, FerUsage.Training, FerUsage.PublicTest, FerUsage.PrivateTest],
            Enumerable.Range(0, 4).Select(set.Usage));
        Assert.Equal(SyntheticFer.Image(2), set.Pixels(0).ToArray());
        Assert.Equal(SyntheticFer.Image(0), set.Pixels(3).ToArray());
    }

    [SkippableFact]
    public void A_larger_image_is_shrunk_by_area()
    {
        RequireOpenCv();

        // Stripes one pixel wide: area gives their mean, a look-up of single pixels would not.
        using var stripes = new Mat(96, 96, MatType.CV_8UC1);
        for (var i = 0; i < 96 * 96; i++)
        {
            stripes.Set(i / 96, i % 96, (byte)(i % 2 == 0 ? 40 : 80));
        }

        _folder.Write("train/fear/1.png", stripes.ToBytes(".png"));
        _folder.Write("train/fear/2.jpg", new Mat(30, 20, MatType.CV_8UC3, new Scalar(90, 90, 90)).ToBytes(".jpg"));

        var set = ImageFolderReader.Read(_folder.Root);

        Assert.All(set.Pixels(0).ToArray(), level => Assert.Equal(60, level));
        Assert.All(set.Pixels(1).ToArray(), level => Assert.InRange(level, 88, 92));
    }

    [SkippableFact]
    public void Half_a_jpeg_is_named_and_one_that_lacks_its_end_marker_alone_is_read()
    {
        RequireOpenCv();
        using var picture = new Mat(64, 64, MatType.CV_8UC3);
        Cv2.Randu(picture, Scalar.All(0), Scalar.All(255));
        var jpeg = picture.ToBytes(".jpg");
        _folder.Write("train/fear/1.jpg", jpeg);
        _folder.Write("train/fear/2.jpg", jpeg[..^2]);

        var set = ImageFolderReader.Read(_folder.Root);
        Assert.Equal(set.Pixels(0).ToArray(), set.Pixels(1).ToArray());

        _folder.Write("train/fear/3.jpg", [.. jpeg[..(jpeg.Length / 2)], 0xFF, 0xD9]);
        var problem = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root));
        Assert.Equal(["train/fear/3.jpg: is truncated: its picture data end too early"], problem.Errors);
    }

    [SkippableFact]
    public void Every_file_that_cannot_be_used_is_named()
    {
        RequireOpenCv();
        var png = Encode(SyntheticFer.Image(0));
        var huge = (byte[])png.Clone();
        huge[17] = 0xFF;
        _folder.Write("train/happy/1.png", png);
        _folder.Write("train/happy/2-text.png", "no image"u8.ToArray());
        _folder.Write("train/happy/3-huge.png", huge);
        _folder.Write("train/happy/4-long.png", new byte[200_000]);
        _folder.Write("train/happy/5-cut.png", png[..40]);
        _folder.Write("train/contempt/1.png", png);
        _folder.Write("extra/happy/1.png", png);

        var problem = Assert.Throws<FerDataException>(
            () => ImageFolderReader.Read(_folder.Root, new FerDataOptions { MaxImageFileBytes = 100_000 }));

        Assert.Equal(6, problem.TotalErrors);
        Assert.Contains(problem.Errors, error => error == "train/happy/2-text.png: is not a PNG or JPEG");
        Assert.Contains(problem.Errors, error => error == "train/happy/3-huge.png: has 16711728x48 pixels; 16000000 are allowed");
        Assert.Contains(problem.Errors, error => error == "train/happy/4-long.png: has 200000 bytes; 100000 are allowed");
        Assert.Contains(problem.Errors, error => error.StartsWith("train/happy/5-cut.png: cannot be decoded", StringComparison.Ordinal));
        Assert.Contains(problem.Errors, error => error.StartsWith("train/contempt: the folder names none", StringComparison.Ordinal));
        Assert.Contains(problem.Errors, error => error.StartsWith("extra: the folder is none of train", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_without_images_is_refused()
    {
        var problem = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root));

        Assert.Contains("holds no images", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_files_than_allowed_are_refused_before_any_is_read()
    {
        _folder.Write("train/happy/1.png", [1]);
        _folder.Write("train/happy/2.png", [1]);

        var problem = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root, new FerDataOptions { MaxImages = 1 }));

        Assert.Equal(["holds more than the 1 images that are allowed"], problem.Errors);
    }

    [Fact]
    public async Task A_path_that_leads_nowhere_is_refused() =>
        await Assert.ThrowsAsync<FileNotFoundException>(() => FerDataSource.OpenAsync(Path.Combine(_folder.Root, "none.csv")));

    [Fact]
    public async Task A_file_is_read_as_a_csv()
    {
        var path = _folder.Write("fer.gz", SyntheticFer.Gzip(SyntheticFer.Csv(3)));

        Assert.Equal(3, (await FerDataSource.OpenAsync(path)).Count);
    }

    private static byte[] Encode(byte[] pixels)
    {
        using var image = new Mat(48, 48, MatType.CV_8UC1);
        for (var i = 0; i < pixels.Length; i++)
        {
            image.Set(i / 48, i % 48, pixels[i]);
        }

        return image.ToBytes(".png");
    }

    private static void RequireOpenCv()
    {
        try
        {
            _ = Cv2.GetVersionString();
        }
        catch (Exception problem) when (problem is DllNotFoundException or TypeInitializationException)
        {
            Skip.If(true, "OpenCV's native library cannot be loaded here.");
        }
    }
}
