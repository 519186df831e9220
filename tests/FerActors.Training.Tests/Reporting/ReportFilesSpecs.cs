using System.Text;
using System.Xml.Linq;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Testing.Files;
using FerActors.Testing.Models;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Reporting;
using FerActors.Training.Tests.Data;

namespace FerActors.Training.Tests.Reporting;

public sealed class ReportFilesSpecs
{
    private const string Hostile = "<script>alert(1)</script>\"'&";

    private static readonly VersionReport Report = new()
    {
        Model = new ModelIdentity(Hostile, Hostile, Hostile),
        Temperature = 0.8,
        Parameters = 1234,
        Views = [.. TestTimeViews.All.Select(view => new ViewReport(
            view, view.Passes(), EvaluationReport.CrossFitted(Logits.Drawn(200, 2), FerUsage.PublicTest, Hostile, view)))],
        WorstMistakes = [new Mistake(17, Expression.Fear, Expression.Happy, 0.99, 6.5)],
        Epochs = [new EpochRecord(1, 10, 1.9, 1e-3, 0.3, 0.2, 1.8, 5), new EpochRecord(2, 20, 1.5, 1e-3, 0.5, 0.4, 1.4, 10)],
    };

    [Fact]
    public void The_page_needs_nothing_beside_it_and_carries_no_foreign_markup()
    {
        var page = ReportHtml.Build(Report);

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https://", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(" src=", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_picture_is_well_formed_and_there_is_one_for_each_part()
    {
        var page = ReportHtml.Build(Report);
        var pictures = page.Split("<svg").Skip(1).Select(part => "<svg" + part[..(part.IndexOf("</svg>", StringComparison.Ordinal) + 6)]).ToList();

        Assert.Equal(4, pictures.Count);
        Assert.All(pictures, picture => XElement.Parse(picture));
        Assert.All(pictures, picture => Assert.DoesNotContain("NaN", picture, StringComparison.Ordinal));
        Assert.Equal(3, ReportHtml.Build(Report with { Epochs = [] }).Split("<svg").Length - 1);
    }

    [Fact]
    public void The_json_can_be_read_back_and_the_tables_hold_the_mistakes()
    {
        var json = ReportFiles.ToJson(Report);

        Assert.Equal(json, ReportFiles.ToJson(ReportFiles.FromJson(json)));
        Assert.Contains("\"view\": \"flip_shift\"", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.Contains("| 17 | Fear | Happy | 99.00 | 6.50 |", ReportMarkdown.Build(Report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_three_forms_are_written()
    {
        using var folder = new TemporaryFolder();

        await ReportFiles.WriteAsync(folder.Root, Report);

        Assert.Equal(["report.html", "report.json", "report.md"], Directory.GetFiles(folder.Root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_moved_image_repeats_its_edge_and_a_mirrored_one_changes_sides()
    {
        var image = SyntheticFer.Image(1);
        var data = SyntheticFer.Dataset((image, Expression.Sad, FerUsage.PublicTest));

        var right = MovedImages.Of(data, 2, 0, mirrored: false).Pixels(0);
        var up = MovedImages.Of(data, 0, -1, mirrored: false).Pixels(0);
        var mirrored = MovedImages.Of(data, 0, 0, mirrored: true).Pixels(0);

        Assert.Equal((image[0], image[0], image[0], image[1]), (right[0], right[1], right[2], right[3]));
        Assert.Equal((image[48], image[47 * 48]), (up[0], up[47 * 48]));
        Assert.Equal((image[47], image[0]), (mirrored[0], mirrored[47]));
    }
}
