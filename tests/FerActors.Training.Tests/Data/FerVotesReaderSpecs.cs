using System.Text;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

public sealed class FerVotesReaderSpecs : IDisposable
{
    private static readonly FerDataset Images = SyntheticFer.Read(SyntheticFer.Csv(6));
    private static readonly string[] Good = [.. Encoding.UTF8.GetString(SyntheticVotes.For(Images)).Split('\n').Skip(1).Take(6)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Votes_stand_in_the_order_of_FER2013_whatever_the_order_of_the_columns()
    {
        const string Header = "NF,unknown,contempt,fear,disgust,anger,sadness,surprise,happiness,neutral,IMAGE NAME,\"usage\"";
        var one = SyntheticFer.Read(SyntheticFer.Csv(1));

        var official = SyntheticVotes.Attach(SyntheticVotes.Csv(SyntheticVotes.Row(0, FerUsage.Training, 1, 2, 0, 3, 1, 1, 2, 0, 0, 0)), one);
        var turned = SyntheticVotes.Attach(Encoding.UTF8.GetBytes($"{Header}\r\n0,0,0,2,1,1,3,0,2,1,fer.png,Training\r\n"), one);

        // Angry, disgust, fear, happy, sad, surprise, neutral.
        Assert.Equal([1, 1, 2, 2, 3, 0, 1], official.Votes(0).ToArray());
        Assert.Equal(official.Votes(0).ToArray(), turned.Votes(0).ToArray());
        Assert.Equal(official.VotesSha256(), turned.VotesSha256());
    }

    [Fact]
    public void Subsets_keep_the_votes_of_their_images()
    {
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(Images), Images);
        var expected = Enumerable.Range(0, 6).Select(i => Convert.ToHexString(voted.Votes(i))).ToArray();

        var subset = voted.Where(FerUsage.PublicTest);
        var chosen = voted.Select([5, 0]);

        Assert.Equal([expected[1], expected[4]], Enumerable.Range(0, 2).Select(i => Convert.ToHexString(subset.Votes(i))));
        Assert.Equal([expected[5], expected[0]], Enumerable.Range(0, 2).Select(i => Convert.ToHexString(chosen.Votes(i))));
        Assert.Equal(6, voted.CountVoted());
        Assert.NotEqual(voted.VotesSha256(), subset.VotesSha256());
        Assert.Equal(Images.Sha256, voted.Sha256);
        Assert.False(Images.HasVotes);
        Assert.True(Images.Votes(0).IsEmpty);
        Assert.Null(Images.VotesSha256());
    }

    [Theory]
    [InlineData("no name", -1, new[] { 0, 10, 0, 0, 0, 0, 0, 0, 0, 0 }, false)]
    [InlineData("no votes", 1, new[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, false)]
    [InlineData("contempt only", 1, new[] { 0, 0, 0, 0, 0, 0, 0, 10, 0, 0 }, false)]
    [InlineData("mostly no face", 1, new[] { 0, 4, 0, 0, 0, 0, 0, 0, 0, 6 }, false)]
    [InlineData("mostly contempt and unknown", 1, new[] { 0, 4, 0, 0, 0, 0, 0, 3, 3, 0 }, false)]
    [InlineData("half of them", 1, new[] { 0, 5, 0, 0, 0, 0, 0, 3, 1, 1 }, true)]
    public void Votes_are_usable_where_the_image_has_a_name_and_half_of_the_people_name_a_class(string what, int number, int[] votes, bool usable)
    {
        var one = SyntheticFer.Read(SyntheticFer.Csv(1));

        var voted = SyntheticVotes.Attach(SyntheticVotes.Csv(SyntheticVotes.Row(number, FerUsage.Training, votes)), one);

        Assert.True(voted.HasVotes, what);
        Assert.Equal(usable ? [0, 0, 0, 5, 0, 0, 0] : [], voted.Votes(0).ToArray());
    }

    [Theory]
    [InlineData(4, "PublicTest,fer0000002.png,1,0,0,0,0,0,0,0,0,0", "row 4: is of PublicTest, but the image in the same place of the data is of PrivateTest; the rows are not aligned")]
    [InlineData(2, "Training,fer0000000.png,1,0,0,0,0,0,0,0,0", "row 2: has 11 fields where the header has 12")]
    [InlineData(2, "Training,fer0000000.png,1,0,0,0,0,0,0,0,0,0,0", "row 2: has 13 fields where the header has 12")]
    [InlineData(2, "Training,fer0000000.png,1,,0,0,0,0,0,0,0,0", "row 2: the votes for 'happiness' are '', not a number from 0 to 20")]
    [InlineData(2, "Training,fer0000000.png,1,0,0,0,0,0,0,0,-1,0", "row 2: the votes for 'unknown' are '-1', not a number from 0 to 20")]
    [InlineData(2, "Training,fer0000000.png,1,0.5,0,0,0,0,0,0,0,0", "row 2: the votes for 'happiness' are '0.5', not a number from 0 to 20")]
    [InlineData(2, "Training,fer0000000.png,11,0,0,10,0,0,0,0,0,0", "row 2: has 21 votes; at most 20 people vote on a face")]
    [InlineData(2, "Trainin,fer0000000.png,1,0,0,0,0,0,0,0,0,0", "row 2: the usage 'Trainin' is none of Training, PublicTest and PrivateTest")]
    public void A_damaged_or_misaligned_row_is_refused_by_its_number(int row, string text, string error)
    {
        string[] rows = [.. Good];
        rows[row - 2] = text;

        var fault = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(SyntheticVotes.Csv(rows), Images));

        Assert.Equal([error], fault.Errors);
    }

    [Fact]
    public void Every_bad_row_is_counted()
    {
        var fault = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(SyntheticVotes.Csv(Good.Select(row => row + "x")), Images));

        Assert.Equal(6, fault.TotalErrors);
        Assert.StartsWith("row 7: the votes for 'NF' are '0x'", fault.Errors[5], StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_rows_too_many_rows_and_a_broken_off_row_are_refused()
    {
        var shorter = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(SyntheticVotes.Csv(Good[..5]), Images));
        var longer = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(SyntheticVotes.Csv([.. Good, Good[0]]), Images));
        var whole = SyntheticVotes.Csv(Good);
        var broken = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(whole[..^6], Images));
        var headless = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach(Encoding.UTF8.GetBytes(string.Join('\n', Good)), Images));
        var empty = Assert.Throws<FerDataException>(() => SyntheticVotes.Attach([], Images));

        Assert.Equal(["after row 6: ends too early; it has 5 rows where the data have 6 images"], shorter.Errors);
        Assert.Equal(["row 8: is one more than the data's 6 images"], longer.Errors);
        Assert.Equal(["row 7: has 10 fields where the header has 12"], broken.Errors);
        Assert.Equal(["row 1: the column 'Usage' is missing"], headless.Errors);
        Assert.Equal(["is empty"], empty.Errors);
    }

    [Fact]
    public async Task Votes_beside_an_image_folder_and_votes_that_are_not_there_are_refused()
    {
        var votes = _folder.Write("votes.csv", SyntheticVotes.For(Images));
        var data = _folder.Write("fer2013.csv", SyntheticFer.Csv(6));

        var folder = await Assert.ThrowsAsync<FerDataException>(() => FerDataSource.OpenAsync(_folder.Root, votes));
        await Assert.ThrowsAsync<FileNotFoundException>(() => FerDataSource.OpenAsync(data, Path.Combine(_folder.Root, "none.csv")));
        var voted = await FerDataSource.OpenAsync(data, votes);

        Assert.Equal(["votes stand row for row beside a CSV, and the data is an image folder"], folder.Errors);
        Assert.Equal(6, voted.CountVoted());
        Assert.False((await FerDataSource.OpenAsync(data, votesPath: null)).HasVotes);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 1, 7, 0, 0, 2 }, Expression.Happy, true)]
    [InlineData(new byte[] { 5, 0, 0, 5, 0, 0, 0 }, null, false)]
    [InlineData(new byte[] { 3, 0, 0, 3, 0, 0, 4 }, Expression.Neutral, false)]
    [InlineData(new byte[] { 4, 0, 0, 3, 3, 0, 0 }, Expression.Angry, false)]
    [InlineData(new byte[] { 1, 3, 3, 3, 0, 0, 0 }, null, false)]
    public void The_majority_is_the_class_with_the_most_votes_and_a_tie_has_none(byte[] votes, Expression? majority, bool most)
    {
        Assert.Equal(majority, FaceVotes.Majority(votes));
        Assert.Equal(most, FaceVotes.MostAgree(votes));
    }
}
