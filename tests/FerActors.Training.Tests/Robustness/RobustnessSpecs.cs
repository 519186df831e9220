using System.Text.Json;
using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Reporting;
using FerActors.Training.Robustness;
using FerActors.Training.Tests.Data;
using FerActors.Training.Tests.Engine;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Robustness;

public sealed class RobustnessSpecs : IDisposable
{
    private static readonly FerDataset Images = TinyRun.Data(14, FerUsage.PublicTest);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_condition_but_the_first_changes_the_images_in_the_same_way_each_time_and_leaves_their_labels()
    {
        var before = Pixels(Images);

        Assert.Equal(before, Pixels(ImageCondition.Clean.Apply(Images)));
        Assert.Same(ImageCondition.Clean, ImageCondition.All[0]);
        Assert.All(ImageCondition.All.Skip(1), condition =>
        {
            var changed = condition.Apply(Images);
            Assert.NotEqual(before, Pixels(changed));
            Assert.Equal(Pixels(changed), Pixels(condition.Apply(Images)));
            Assert.Equal(Images.Labels(), changed.Labels());
        });
        Assert.Equal(before, Pixels(Images));
        Assert.Equal(ImageCondition.All.Count, ImageCondition.All.Select(condition => (condition.Kind, condition.Level)).Distinct().Count());
    }

    [Theory]
    [InlineData("blur", "sigma 0.5 px", "blur", "sigma 2 px")]
    [InlineData("JPEG", "quality 70", "JPEG", "quality 15")]
    [InlineData("brightness", "+20 %", "brightness", "+60 %")]
    [InlineData("small face", "32 px", "small face", "16 px")]
    [InlineData("rotation", "+5 degrees", "rotation", "+20 degrees")]
    [InlineData("shift", "0.5 px right, 0.5 px down", "shift", "2 px right, 2 px down")]
    public void A_stronger_condition_changes_more(string kind, string mild, string otherKind, string strong)
    {
        var (less, more) = (Difference(Find(kind, mild)), Difference(Find(otherKind, strong)));

        Assert.True(less > 0 && less < more, $"{less} and {more}");
    }

    [Fact]
    public void A_picture_is_shifted_turned_darkened_and_covered_as_said()
    {
        // A ramp from left to right: 5 grey levels a pixel.
        var ramp = Enumerable.Range(0, FerDataset.PixelsPerImage).Select(i => (byte)(5 * (i % 48))).ToArray();
        var data = SyntheticFer.Dataset((ramp, Expression.Sad, FerUsage.PublicTest));

        var right = Find("shift", "0.5 px right, 0 px down").Apply(data).Pixels(0);
        var down = Find("shift", "0 px right, 0.5 px down").Apply(data).Pixels(0);
        var dark = Find("brightness", "-40 %").Apply(data).Pixels(0);
        var turned = Find("rotation", "+20 degrees").Apply(data).Pixels(0);
        var eyes = Find("occlusion", "eyes").Apply(data).Pixels(0);
        var mouth = Find("occlusion", "mouth").Apply(data).Pixels(0);

        Assert.InRange(right[(24 * 48) + 24], 117, 118);
        Assert.Equal(ramp, down.ToArray());
        Assert.Equal(60, dark[(24 * 48) + 20]);

        // Counter-clockwise: what lay to the right, the bright side, goes up.
        Assert.True(turned[(4 * 48) + 24] > turned[(44 * 48) + 24] + 20, $"{turned[(4 * 48) + 24]} above {turned[(44 * 48) + 24]}");
        Assert.Equal((118, 118, 0), (eyes[12 * 48], eyes[(22 * 48) + 47], eyes[23 * 48]));
        Assert.Equal((0, 118, 118, 0), (mouth[31 * 48], mouth[32 * 48], mouth[44 * 48], mouth[45 * 48]));
    }

    [Fact]
    public void A_model_is_judged_under_each_condition_against_the_images_as_they_are()
    {
        using var checkpoint = VitCheckpoint.Load(SmallRun.Save(_folder, "model", SmallRun.Plain with { InitializerRange = 0.5 }));
        var voted = SyntheticVotes.Attach(SyntheticVotes.For(Images), Images);
        var told = new List<RobustnessRow>();

        var rows = RobustnessTest.Run(checkpoint, voted, progress: told.Add);
        var again = RobustnessTest.Run(checkpoint, voted);
        var unvoted = RobustnessTest.Run(checkpoint, Images, flip: true, [ImageCondition.Clean, Find("small face", "16 px")]);

        Assert.Equal(ImageCondition.All.Select(c => (c.Kind, c.Level)), rows.Select(row => (row.Kind, row.Level)));
        Assert.Equal(rows, told);
        Assert.Equal(rows, again);
        Assert.All(rows, row => Assert.Equal(row.Accuracy - rows[0].Accuracy, row.Change, 1e-12));

        // Everybody's majority is the label here.
        Assert.All(rows, row => Assert.Equal(row.Accuracy, row.Agreement));
        Assert.True(rows.Select(row => row.Accuracy).Distinct().Count() > 1);
        Assert.All(unvoted, row => Assert.Null(row.Agreement));
        Assert.Throws<OperationCanceledException>(() => RobustnessTest.Run(checkpoint, Images, cancellation: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void The_table_stands_in_every_form_of_the_report_that_it_was_asked_for()
    {
        using var checkpoint = VitCheckpoint.Load(SmallRun.Save(_folder, "model", SmallRun.Plain));
        var bare = VersionEvaluation.Run(checkpoint, Images, FerUsage.PublicTest);
        var report = bare with
        {
            Robustness = [new("as it is", "48 px", 14, 0.5, new(0.25, 0.75), 0, 0.4, 0.6), new("blur", "<sigma>", 14, 0.4, new(0.2, 0.6), -0.1, 0.3, null)],
        };

        Assert.Contains("| blur | <sigma> | 40.00 (20.00 to 60.00) | -10.00 | 30.00 | n/a |", ReportMarkdown.Build(report), StringComparison.Ordinal);
        Assert.Contains("<td>&lt;sigma&gt;</td>", ReportHtml.Build(report), StringComparison.Ordinal);
        Assert.Equal(report.Robustness, ReportFiles.FromJson(ReportFiles.ToJson(report)).Robustness);
        using var json = JsonDocument.Parse(RobustnessTable.Json(report.Robustness));
        Assert.Equal(-0.1, json.RootElement[1].GetProperty("change").GetDouble());
        Assert.DoesNotContain("Agreement", RobustnessTable.Markdown([report.Robustness[1]]), StringComparison.Ordinal);
        Assert.DoesNotContain("Worse conditions", ReportMarkdown.Build(bare) + ReportHtml.Build(bare), StringComparison.Ordinal);
    }

    private static ImageCondition Find(string kind, string level) => ImageCondition.All.Single(c => c.Kind == kind && c.Level == level);

    private static byte[] Pixels(FerDataset data) => [.. Enumerable.Range(0, data.Count).SelectMany(i => data.Pixels(i).ToArray())];

    private static double Difference(ImageCondition condition) =>
        Pixels(Images).Zip(Pixels(condition.Apply(Images)), (a, b) => Math.Abs(a - b)).Average();
}
