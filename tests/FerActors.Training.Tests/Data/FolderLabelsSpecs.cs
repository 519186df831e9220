using FerActors.Testing.Files;
using FerActors.Training.Data;
using OpenCvSharp;

namespace FerActors.Training.Tests.Data;

/// <summary>Image folders whose classes are numbered as RAF-DB's are.</summary>
public sealed class FolderLabelsSpecs : IDisposable
{
    private static readonly FerDataOptions RafDb = FerDataOptions.Default with { FolderLabels = FolderLabels.RafDb };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_numbers_mean_RAF_DBs_expressions_in_its_own_order()
    {
        Write("train", "1", "2", "3", "4", "5", "6", "7");

        var set = ImageFolderReader.Read(_folder.Root, RafDb);

        // The pixels tell which folder an image came from; the reader's order is FER2013's.
        Assert.Equal(
            ["6 Angry", "3 Disgust", "2 Fear", "4 Happy", "5 Sad", "1 Surprise", "7 Neutral"],
            Enumerable.Range(0, set.Count).Select(i => $"{set.Pixels(i)[0]} {set.Label(i)}"));
    }

    [Fact]
    public void Numbered_folders_without_the_option_are_refused_with_the_option_that_reads_them()
    {
        Write("train", "1", "4");

        var refusal = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root));

        Assert.Equal(2, refusal.Errors.Count);
        Assert.All(refusal.Errors, error => Assert.EndsWith(
            ": the folder names none of the seven expressions; if the data is RAF-DB, whose classes are numbered, say so with folder_labels raf-db (--folder-labels raf-db)",
            error,
            StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("happy")]
    [InlineData("0")]
    [InlineData("8")]
    [InlineData("01")]
    public void With_the_option_a_folder_of_another_name_is_refused(string name)
    {
        Write("train", name);

        var refusal = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root, RafDb));

        Assert.Equal($"train/{name}: the folder is none of RAF-DB's 1 to 7", Assert.Single(refusal.Errors));
    }

    [Fact]
    public async Task The_option_is_for_folders_and_a_csv_is_refused_with_it()
    {
        var csv = _folder.Write("fer.csv", SyntheticFer.Csv(7));

        var refusal = await Assert.ThrowsAsync<FerDataException>(() => FerDataSource.OpenAsync(csv, RafDb));

        Assert.Contains("folder_labels raf-db is for an image folder", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_word_than_the_two_is_no_option()
    {
        Assert.Equal("folder_labels is 'rafdb'; it must be names or raf-db.", FolderLabels.Mistake("rafdb"));
        Assert.Throws<ArgumentException>(() => ImageFolderReader.Read(_folder.Root, RafDb with { FolderLabels = "rafdb" }));
    }

    private void Write(string usage, params string[] folders)
    {
        foreach (var folder in folders)
        {
            using var image = new Mat(48, 48, MatType.CV_8UC1, new Scalar(folder[0] - '0'));
            _folder.Write($"{usage}/{folder}/one.png", image.ToBytes(".png"));
        }
    }
}
