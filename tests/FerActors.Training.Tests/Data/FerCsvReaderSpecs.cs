using System.Text;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

public sealed class FerCsvReaderSpecs
{
    private static readonly byte[] Csv = SyntheticFer.Csv(9);
    private static readonly string Good = SyntheticFer.Row(0, Expression.Happy, FerUsage.Training);
    private static readonly string GoodPixels = SyntheticFer.Pixels(SyntheticFer.Image(0));

    [Fact]
    public void Rows_become_images()
    {
        var set = SyntheticFer.Read(Csv);

        Assert.Equal(9, set.Count);
        Assert.Equal(SyntheticFer.Image(8), set.Pixels(8).ToArray());
        Assert.Equal(Expression.Disgust, set.Label(8));
        Assert.Equal(FerUsage.PrivateTest, set.Usage(8));
    }

    [Fact]
    public void More_rows_than_a_block_keep_their_pixels()
    {
        var set = SyntheticFer.Read(SyntheticFer.Csv(1100));

        Assert.Equal(1100, set.Count);
        Assert.All([0, 1023, 1024, 1099], i => Assert.Equal(SyntheticFer.Image(i), set.Pixels(i).ToArray()));
    }

    [Fact]
    public void The_hash_is_the_same_for_every_container()
    {
        var plain = SyntheticFer.Read(Csv).Sha256;

        Assert.Equal(plain, SyntheticFer.Read(SyntheticFer.Gzip(Csv)).Sha256);
        Assert.Equal(plain, SyntheticFer.Read(SyntheticFer.Zip(("fer/README", [1]), ("fer/fer2013.csv", Csv))).Sha256);
        Assert.Equal(plain, SyntheticFer.Read(SyntheticFer.Gzip(SyntheticFer.Tar(("fer/README", [1]), ("fer/fer2013.csv", Csv)))).Sha256);
        Assert.Equal(plain, SyntheticFer.Read([.. SyntheticFer.Gzip(Csv[..5000]), .. SyntheticFer.Gzip(Csv[5000..])]).Sha256);
    }

    [Theory]
    [InlineData("emotion, Usage, pixels")]
    [InlineData("\"emotion\",\"Usage\",\"pixels\"")]
    [InlineData("EMOTION,usage,Pixels")]
    [InlineData("\uFEFFemotion,Usage,pixels\r")]
    public void Columns_are_found_by_name(string header)
    {
        var set = SyntheticFer.Read(Encoding.UTF8.GetBytes($"{header}\n4,PublicTest,{GoodPixels}\r\n"));

        Assert.Equal(Expression.Sad, set.Label(0));
        Assert.Equal(FerUsage.PublicTest, set.Usage(0));
        Assert.Equal(SyntheticFer.Image(0), set.Pixels(0).ToArray());
    }

    [Fact]
    public void Quotes_spaces_blank_lines_extra_columns_and_a_missing_last_line_end_are_accepted()
    {
        var text = $"id,emotion,pixels,Usage\n\n17 , \"3\" ,\" {GoodPixels}  \" , \"Training\"\n  \n18,3,{GoodPixels},Training";

        var set = SyntheticFer.Read(Encoding.UTF8.GetBytes(text));

        Assert.Equal(2, set.Count);
        Assert.Equal(set.Pixels(0).ToArray(), set.Pixels(1).ToArray());
    }

    [Theory]
    [InlineData("7,{0},Training", "row 3: the label '7' is not a number from 0 to 6")]
    [InlineData("-1,{0},Training", "row 3: the label '-1' is not a number from 0 to 6")]
    [InlineData(",{0},Training", "row 3: the label '' is not a number from 0 to 6")]
    [InlineData("happy,{0},Training", "row 3: the label 'happy' is not a number from 0 to 6")]
    [InlineData("3,{0} 1,Training", "row 3: has 2305 pixels instead of 2304")]
    [InlineData("3,1 2 3,Training", "row 3: has 3 pixels instead of 2304")]
    [InlineData("3,,Training", "row 3: has 0 pixels instead of 2304")]
    [InlineData("3,1 256 3,Training", "row 3: pixel 2 is '256', not a number from 0 to 255")]
    [InlineData("3,1 2 99999999999999999999,Training", "row 3: pixel 3 is '99999999999999999999', not a number from 0 to 255")]
    [InlineData("3,-1 2,Training", "row 3: pixel 1 is '-1', not a number from 0 to 255")]
    [InlineData("3,1 2.5,Training", "row 3: pixel 2 is '2.5', not a number from 0 to 255")]
    [InlineData("3,{0},Test", "row 3: the usage 'Test' is none of Training, PublicTest and PrivateTest")]
    [InlineData("3,{0}", "row 3: has 2 fields where the header has 3")]
    [InlineData("3,{0},Training,1", "row 3: has 4 fields where the header has 3")]
    [InlineData("3,\"{0},Training", "row 3: has a quoted field without an end")]
    [InlineData("3,\"{0}\"x,Training", "row 3: has text after a quoted field")]
    [InlineData("3,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", "row 3: has more than 32 fields")]
    public void A_faulty_row_is_named(string row, string error)
    {
        var text = $"{SyntheticFer.Header}\n{Good}\n{string.Format(null, row, GoodPixels)}\n{Good}\n";

        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes(text)));

        Assert.Equal([error], problem.Errors);
        Assert.Equal(1, problem.TotalErrors);
        Assert.Equal($"test.csv: {error}", problem.Message);
    }

    [Theory]
    [InlineData("emotion,pixels", "the column 'Usage' is missing")]
    [InlineData("pixels,Usage", "the column 'emotion' is missing")]
    [InlineData("emotion,Usage", "the column 'pixels' is missing")]
    [InlineData("emotion,emotion,pixels,Usage", "stands twice")]
    [InlineData("\"emotion,pixels,Usage", "quoted field without an end")]
    public void A_faulty_header_is_refused(string header, string error)
    {
        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes($"{header}\n{Good}\n")));

        Assert.StartsWith("row 1: ", Assert.Single(problem.Errors), StringComparison.Ordinal);
        Assert.Contains(error, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Utf_16_is_refused_by_name()
    {
        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("emotion,pixels")]));

        Assert.Contains("UTF-16", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_errors_are_listed_and_all_are_counted()
    {
        var text = SyntheticFer.Header + "\n" + string.Concat(Enumerable.Repeat("9,1,Training\n", 50));

        var problem = Assert.Throws<FerDataException>(
            () => SyntheticFer.Read(Encoding.UTF8.GetBytes(text), new FerDataOptions { MaxErrors = 3 }));

        Assert.Equal(50, problem.TotalErrors);
        Assert.Equal(3, problem.Errors.Count);
        Assert.StartsWith("row 4: ", problem.Errors[2], StringComparison.Ordinal);
        Assert.EndsWith("and 47 more", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Foreign_text_in_a_message_is_short_and_printable()
    {
        var text = $"{SyntheticFer.Header}\n3,{GoodPixels},\u001b[31m{new string('x', 5000)}\n";

        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes(text)));

        Assert.True(problem.Message.Length < 200);
        Assert.DoesNotContain('\u001b', problem.Message);
    }

    [Fact]
    public void A_row_beyond_the_bound_is_an_error_and_reading_goes_on()
    {
        var text = $"{SyntheticFer.Header}\n{new string('1', 1_000_000)}\n{Good}\n3,1,Training\n{new string(' ', 40_000)}";

        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes(text)));

        Assert.Equal(
            ["row 2: is longer than 32768 bytes", "row 4: has 1 pixels instead of 2304", "row 5: is longer than 32768 bytes"],
            problem.Errors);
    }

    [Fact]
    public void A_header_beyond_the_bound_is_refused()
    {
        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes(new string('e', 100_000))));

        Assert.Equal(["row 1: is longer than 32768 bytes"], problem.Errors);
    }

    [Fact]
    public void An_empty_file_is_refused()
    {
        Assert.Equal(["is empty"], Assert.Throws<FerDataException>(() => SyntheticFer.Read([])).Errors);
        Assert.Equal(["is empty"], Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Gzip([]))).Errors);
    }

    [Fact]
    public void A_header_without_rows_is_refused()
    {
        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Encoding.UTF8.GetBytes(SyntheticFer.Header + "\n\n")));

        Assert.Equal(["has a header but no rows"], problem.Errors);
    }

    [Fact]
    public void More_images_than_allowed_are_refused()
    {
        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(Csv, new FerDataOptions { MaxImages = 8 }));

        Assert.Equal(["row 10: is beyond the 8 images that are allowed"], problem.Errors);
    }

    [Fact]
    public void A_gzip_file_cut_off_anywhere_is_refused()
    {
        // Whole rows, so that only the container can tell that something is missing.
        var gzip = SyntheticFer.Gzip(SyntheticFer.Csv(2));

        for (var length = 2; length < gzip.Length; length += length < 40 || length > gzip.Length - 40 ? 1 : 97)
        {
            var cut = gzip[..length];
            Assert.Throws<FerDataException>(() => SyntheticFer.Read(cut));
        }

        Assert.Equal(2, SyntheticFer.Read(gzip).Count);
    }

    [Fact]
    public void A_truncated_gzip_file_says_so()
    {
        var gzip = SyntheticFer.Gzip(SyntheticFer.Csv(40));

        var problem = Assert.Throws<FerDataException>(() => SyntheticFer.Read(gzip[..^4]));

        Assert.Contains("after row ", Assert.Single(problem.Errors), StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(problem.InnerException);
    }

    [Fact]
    public void Damage_inside_a_gzip_file_is_found()
    {
        var gzip = SyntheticFer.Gzip(Csv);
        gzip[gzip.Length / 2] ^= 0x40;

        Assert.Throws<FerDataException>(() => SyntheticFer.Read(gzip));
    }

    [Fact]
    public void A_gzip_bomb_is_stopped_at_the_bound()
    {
        var bomb = SyntheticFer.Gzip(new byte[8 << 20]);

        var problem = Assert.Throws<FerDataException>(
            () => SyntheticFer.Read(bomb, new FerDataOptions { MaxUncompressedBytes = 1 << 20 }));

        Assert.Contains("1048576 bytes", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zip_bomb_is_refused_by_its_declared_size()
    {
        var bomb = SyntheticFer.Zip(("fer2013.csv", new byte[8 << 20]));

        var problem = Assert.Throws<FerDataException>(
            () => SyntheticFer.Read(bomb, new FerDataOptions { MaxUncompressedBytes = 1 << 20 }));

        Assert.Contains("unpacks to 8388608 bytes", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zip_that_lies_about_its_size_stays_within_the_bound()
    {
        var bomb = SyntheticFer.Zip(("fer2013.csv", new byte[8 << 20]));

        // The declared size, in the central directory, becomes 1,000 bytes.
        var entry = bomb.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(bomb.AsSpan(entry + 24), 1000);

        Assert.Throws<FerDataException>(() => SyntheticFer.Read(bomb, new FerDataOptions { MaxUncompressedBytes = 1 << 20 }));
    }

    [Fact]
    public void A_plain_file_is_bounded_too()
    {
        var problem = Assert.Throws<FerDataException>(
            () => SyntheticFer.Read(SyntheticFer.Csv(40), new FerDataOptions { MaxUncompressedBytes = 1000 }));

        Assert.Contains("more than 1000 bytes", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_zip_holds_one_csv()
    {
        var none = Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Zip(("README", Csv))));
        var two = Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Zip(("a.csv", Csv), ("b.csv", Csv))));
        var mac = SyntheticFer.Read(SyntheticFer.Zip(("__MACOSX/fer2013.csv", [1]), ("x/._fer2013.csv", [1]), ("fer2013.CSV", Csv)));

        Assert.Contains("holds no .csv file", none.Message, StringComparison.Ordinal);
        Assert.Contains("a.csv, b.csv", two.Message, StringComparison.Ordinal);
        Assert.Equal(9, mac.Count);
    }

    [Fact]
    public void A_plain_tar_holds_a_csv()
    {
        Assert.Equal(9, SyntheticFer.Read(SyntheticFer.Tar(("README", Csv), ("fer2013/fer2013.csv", Csv))).Count);
        Assert.Contains(
            "holds no .csv file",
            Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Tar(("README", Csv)))).Message,
            StringComparison.Ordinal);
        Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Tar(("fer2013.csv", Csv))[..20_000]));
    }

    [Theory]
    [InlineData("425A6839314159265359", "bzip2", "bunzip2")]
    [InlineData("FD377A585A000004E6D6", "xz", "unxz")]
    [InlineData("28B52FFD2400", "Zstandard", "unzstd")]
    [InlineData("04224D186440", "LZ4", "unlz4")]
    [InlineData("377ABCAF271C0004", "7-Zip", "7z x")]
    [InlineData("526172211A0700", "RAR", "unrar x")]
    public void Another_packer_is_named_with_the_command_that_unpacks(string start, string packer, string command)
    {
        byte[] file = [.. Convert.FromHexString(start), .. new byte[600]];

        var message = Assert.Throws<FerDataException>(() => SyntheticFer.Read(file)).Message;

        Assert.Contains($"is packed with {packer}, which is not read", message, StringComparison.Ordinal);
        Assert.Contains(command, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_archive_is_refused()
    {
        var zip = SyntheticFer.Zip(("fer2013.csv", Csv));

        Assert.Throws<FerDataException>(() => SyntheticFer.Read(zip[..^30]));
        Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Zip()));
        Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Gzip(SyntheticFer.Tar(("README", Csv)))));
        Assert.Throws<FerDataException>(() => SyntheticFer.Read(SyntheticFer.Gzip(SyntheticFer.Tar(("fer2013.csv", Csv))[..20_000])));
    }

    [Fact]
    public void Progress_rises_to_the_whole_file()
    {
        var steps = new List<DataProgress>();
        using var folder = new TemporaryFolder();
        var path = folder.Write("fer.csv", SyntheticFer.Csv(1100));

        FerCsvReader.Read(path, progress: new Recorder(steps));

        Assert.Equal([512, 1024, 1100], steps.Select(step => step.Images));
        Assert.Equal(steps.Order(Comparer<DataProgress>.Create((a, b) => a.Done.CompareTo(b.Done))), steps);
        Assert.Equal(1, steps[^1].Fraction);
        Assert.Equal(1, new DataProgress(0, 0, 0).Fraction);
    }

    [Fact]
    public async Task A_cancelled_token_ends_the_reading()
    {
        using var source = new CancellationTokenSource();
        var cancelling = new Recorder([], () => source.Cancel());
        using var folder = new TemporaryFolder();
        var path = folder.Write("fer.csv", SyntheticFer.Csv(600));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FerCsvReader.ReadAsync(path, null, cancelling, source.Token));
    }

    [Fact]
    public void Bounds_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SyntheticFer.Read(Csv, new FerDataOptions { MaxImages = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => SyntheticFer.Read(Csv, new FerDataOptions { MaxImages = int.MaxValue }));
        Assert.Throws<ArgumentOutOfRangeException>(() => SyntheticFer.Read(Csv, new FerDataOptions { MaxErrors = 0 }));
    }

    private sealed class Recorder(List<DataProgress> steps, Action? onStep = null) : IProgress<DataProgress>
    {
        public void Report(DataProgress value)
        {
            steps.Add(value);
            onStep?.Invoke();
        }
    }
}
