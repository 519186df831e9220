using System.Text;
using System.Text.Json;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.DataChecks;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Training.Tests.DataChecks;

public sealed class DataCheckSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clean_data_can_be_trained_on_and_is_named_by_the_hash_that_a_run_names()
    {
        var report = await Check(Clean());

        Assert.Empty(report.Blockers);
        Assert.True(report.Trainable);
        Assert.Equal(SyntheticFer.Read(Csv(Clean())).Sha256, report.Sha256);
        Assert.Equal([FerUsage.Training, FerUsage.PublicTest], report.Splits.Select(split => split.Split));
        Assert.Equal([1, 1, 1, 1, 1, 1, 1], report.Splits[0].Histogram);
        Assert.Equal([0, 0, 0, 2, 0, 0, 0], report.Splits[1].Histogram);
        Assert.Empty(report.Faults);
        Assert.Equal((0, 0), (report.Blank.Constant, report.Duplicates.ExactGroups));
    }

    [Fact]
    public async Task Every_fault_is_counted_by_its_kind_with_its_row_and_the_good_rows_are_kept()
    {
        var image = SyntheticFer.Pixels(SyntheticFer.Image(90));
        var report = await Check(
        [
            .. Clean(),
            $"7,{image},Training",
            $"-1,{image},Training",
            $"3,{image},Holdout",
            $"3,{image} 1,Training",
            "3,1 2 3,PublicTest",
            $"3,{image.Replace(' ', ';')},Training",
            "3,256,Training",
            "3,1,2,Training",
            "",
            $"4,{SyntheticFer.Pixels(SyntheticFer.Image(91))},PrivateTest",
        ]);

        Assert.Equal(
            [(DataFaultKind.Form, 1L), (DataFaultKind.Size, 2), (DataFaultKind.PixelValue, 2), (DataFaultKind.Label, 2), (DataFaultKind.Split, 1)],
            report.Faults.Select(fault => (fault.Kind, fault.Count)));
        Assert.Equal(
            ["row 11: the label '7' is not a number from 0 to 6", "row 12: the label '-1' is not a number from 0 to 6"],
            report.Faults.Single(fault => fault.Kind == DataFaultKind.Label).First);
        Assert.Equal("row 14: has 2305 pixels instead of 2304", report.Faults.Single(fault => fault.Kind == DataFaultKind.Size).First[0]);
        Assert.Equal((10, 1), (report.Images, report.Splits.Single(split => split.Split == FerUsage.PrivateTest).Images));
        Assert.False(report.Trainable);
        Assert.StartsWith("8 rows or files cannot be used", Assert.Single(report.Blockers), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_places_of_each_kind_are_bounded_and_their_count_is_not()
    {
        var rows = Clean().Concat(Enumerable.Repeat("9,1,Training", 50)).ToList();

        var report = await DataCheck.RunAsync(_folder.Write("fer.csv", Csv(rows)), new FerDataOptions { MaxErrors = 3 });

        var fault = Assert.Single(report.Faults);
        Assert.Equal((50, 3), (fault.Count, fault.First.Count));
    }

    [Fact]
    public async Task Blank_images_are_found_with_their_rows()
    {
        var faint = new byte[FerDataset.PixelsPerImage];
        faint[7] = 3;
        var report = await Check(
        [
            .. Clean(),
            $"0,{SyntheticFer.Pixels(new byte[FerDataset.PixelsPerImage])},Training",
            $"0,{SyntheticFer.Pixels(faint)},Training",
        ]);

        Assert.Equal((1, 1), (report.Blank.Constant, report.Blank.NearlyConstant));
        Assert.Equal(["row 11", "row 12"], report.Blank.First);
        Assert.True(report.Trainable);
    }

    [Fact]
    public async Task Duplicates_are_told_apart_by_whether_they_stand_within_a_split_or_across()
    {
        var near = SyntheticFer.SmoothImage(5);
        var nearer = near.Select(pixel => (byte)Math.Min(255, pixel + 1)).ToArray();
        var report = await Check(
        [
            .. Clean(),
            SyntheticFer.Row(0, Expression.Sad, FerUsage.Training),
            SyntheticFer.Row(1, Expression.Disgust, FerUsage.PublicTest),
            SyntheticFer.Row(1, Expression.Disgust, FerUsage.PrivateTest),
            $"2,{SyntheticFer.Pixels(near)},Training",
            $"2,{SyntheticFer.Pixels(nearer)},PublicTest",
        ]);

        var found = report.Duplicates;
        Assert.Equal((2, 3, 1, 1), (found.ExactGroups, found.ExactRepeats, found.ExactGroupsAcrossSplits, found.ConflictingGroups));
        Assert.Equal((0, 1), (found.NearPairsWithinSplits, found.NearPairsAcrossSplits));
        Assert.Equal(2, found.TrainingLeaks);
        Assert.Equal(
            [
                new SplitDuplicates(FerUsage.Training, 1, 0, 0),
                new SplitDuplicates(FerUsage.PublicTest, 0, 1, 2),
                new SplitDuplicates(FerUsage.PrivateTest, 0, 1, 1),
            ],
            found.Splits);
    }

    [Fact]
    public async Task Data_that_no_run_could_use_says_why()
    {
        var noValidation = await Check([.. Clean().Take(7)]);
        var noTraining = await Check([SyntheticFer.Row(1, Expression.Sad, FerUsage.PublicTest), SyntheticFer.Row(2, Expression.Sad, FerUsage.PublicTest)]);
        var noDisgust = await Check([.. Clean().Where(row => !row.StartsWith('1'))]);
        var onlyLeaks = await Check([SyntheticFer.Row(1, Expression.Sad, FerUsage.PublicTest), SyntheticFer.Row(2, Expression.Sad, FerUsage.PublicTest), SyntheticFer.Row(1, Expression.Sad, FerUsage.Training)]);
        var allDiffer = await Check([.. Clean().Take(8)]);

        Assert.Contains("no PublicTest", Assert.Single(noValidation.Blockers), StringComparison.Ordinal);
        Assert.Contains("no Training images", Assert.Single(noTraining.Blockers), StringComparison.Ordinal);
        Assert.Contains("no image of Disgust;", Assert.Single(noDisgust.Blockers), StringComparison.Ordinal);
        Assert.Contains("nothing is left", Assert.Single(onlyLeaks.Blockers), StringComparison.Ordinal);
        Assert.Contains("No two PublicTest", Assert.Single(allDiffer.Blockers), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("emotion,Usage\n1,Training\n")]
    [InlineData("emotion,pixels,Usage\n")]
    [InlineData("PK\u0003\u0004 but no archive")]
    public async Task A_file_that_cannot_be_read_at_all_is_reported_and_not_thrown(string content)
    {
        var report = await DataCheck.RunAsync(_folder.Write("fer.csv", Encoding.UTF8.GetBytes(content)));

        Assert.Equal(DataFaultKind.Form, Assert.Single(report.Faults).Kind);
        Assert.Null(report.Sha256);
        Assert.False(report.Trainable);
    }

    [Fact]
    public async Task A_path_where_nothing_stands_is_refused() =>
        await Assert.ThrowsAsync<FileNotFoundException>(() => DataCheck.RunAsync(Path.Combine(_folder.Root, "none.csv")));

    [SkippableFact]
    public async Task Of_an_image_folder_scaled_images_and_bad_files_are_counted()
    {
        try
        {
            OpenCvRuntime.EnsureLoaded();
        }
        catch (NativeLibraryException problem)
        {
            Skip.If(true, problem.Message);
        }

        _folder.Write("train/happy/1.png", Png(48, 48));
        _folder.Write("train/happy/2.png", Png(96, 60));
        _folder.Write("train/happy/3.png", Png(96, 60));
        _folder.Write("train/happy/4.png", Png(20, 20));
        _folder.Write("train/sad/5.png", "no image"u8.ToArray());
        _folder.Write("train/contempt/6.png", Png(48, 48));
        _folder.Write("holdout/sad/7.png", Png(48, 48));

        var report = await DataCheck.RunAsync(_folder.Root);

        Assert.Equal((4, 3), (report.Images, report.ScaledImages));
        Assert.Equal([new ImageSizeCount(96, 60, 2), new ImageSizeCount(20, 20, 1)], report.ScaledSizes);
        Assert.Equal(
            [(DataFaultKind.Label, 1L), (DataFaultKind.Split, 1), (DataFaultKind.Unreadable, 1)],
            report.Faults.Select(fault => (fault.Kind, fault.Count)));
        Assert.Equal(["train/happy/1.png", "train/happy/2.png", "train/happy/3.png", "train/happy/4.png"], report.Blank.First);
    }

    [Fact]
    public async Task The_card_is_written_in_both_forms_and_what_the_data_says_stays_in_its_cell()
    {
        var report = await Check([.. Clean(), "<b>|x,1,Training"]);
        var card = Path.Combine(_folder.Root, "cards", "data.md");

        await DataCard.WriteAsync(card, report);

        var text = await File.ReadAllTextAsync(card);
        Assert.Contains(report.Sha256!, text, StringComparison.Ordinal);
        Assert.Contains("| label | 1 | row 11: the label '&lt;b>\\|x' is not a number from 0 to 6 |", text, StringComparison.Ordinal);
        Assert.Contains("**Cannot be trained on.**", text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.ChangeExtension(card, ".json")));
        Assert.Equal(report.Sha256, json.RootElement.GetProperty("sha256").GetString());
        Assert.False(json.RootElement.GetProperty("trainable").GetBoolean());
        Assert.Equal("label", json.RootElement.GetProperty("faults")[0].GetProperty("kind").GetString());
        await Assert.ThrowsAsync<ArgumentException>(() => DataCard.WriteAsync(Path.ChangeExtension(card, ".json"), report));
    }

    // One training image a class and a validation image: rows 2 to 9.
    private static IReadOnlyList<string> Clean() =>
    [
        .. ExpressionNames.All.Select(label => SyntheticFer.Row((int)label, label, FerUsage.Training)),
        SyntheticFer.Row(50, Expression.Happy, FerUsage.PublicTest),
        SyntheticFer.Row(51, Expression.Happy, FerUsage.PublicTest),
    ];

    private static byte[] Csv(IEnumerable<string> rows) => Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(SyntheticFer.Header)) + "\n");

    private Task<DataCheckReport> Check(IReadOnlyList<string> rows) => DataCheck.RunAsync(_folder.Write("fer.csv", Csv(rows)));

    private static byte[] Png(int width, int height)
    {
        using var image = new Mat(height, width, MatType.CV_8UC1, new Scalar(90));
        return image.ToBytes(".png");
    }
}
