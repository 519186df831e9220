using System.Text;
using System.Text.Json;
using FerActors.Testing.Files;
using FerActors.Testing.Models;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using static FerActors.Shared.Labels.Expression;

namespace FerActors.Training.Tests.Evaluation;

public sealed class EvaluationFilesSpecs
{
    private static readonly Predictions Some = Logits.Of((Happy, Happy, 5), (Happy, Sad, 5), (Sad, Sad, 2), (Fear, Fear, 1));

    private static readonly EvaluationReport Report = EvaluationReport.Create(
        Some, FerUsage.PublicTest, "abc", "flip", TemperatureScaling.Fit(Some), FerUsage.PublicTest);

    [Fact]
    public void The_json_has_snake_case_names_and_classes_by_name()
    {
        using var json = JsonDocument.Parse(MetricsJson.Serialize(Report));
        var root = json.RootElement;
        var metrics = root.GetProperty("metrics");

        Assert.Equal("public_test", root.GetProperty("split").GetString());
        Assert.Equal("abc", root.GetProperty("data_sha256").GetString());
        Assert.Equal("flip", root.GetProperty("test_time_augmentation").GetString());
        Assert.Equal(0.75, metrics.GetProperty("accuracy").GetDouble());
        Assert.Equal("happy", metrics.GetProperty("classes")[3].GetProperty("expression").GetString());
        Assert.Equal(JsonValueKind.Null, metrics.GetProperty("classes")[0].GetProperty("recall").ValueKind);
        Assert.Equal(1, metrics.GetProperty("confusion")[3][4].GetInt32());
        Assert.Equal(15, metrics.GetProperty("reliability").GetArrayLength());
        Assert.True(root.GetProperty("calibrated").GetProperty("temperature").GetDouble() > 0);
        Assert.True(root.GetProperty("calibration").TryGetProperty("nll_after", out _));
    }

    [Fact]
    public void The_json_can_be_read_back()
    {
        var json = MetricsJson.Serialize(Report);

        var read = MetricsJson.Deserialize(json);

        Assert.Equal(json, MetricsJson.Serialize(read));
        Assert.Equal(Report.Calibration, read.Calibration);
        Assert.Throws<JsonException>(() => MetricsJson.Deserialize("null"u8));
        Assert.Throws<JsonException>(() => MetricsJson.Deserialize("{}"u8));
    }

    [Fact]
    public async Task Files_are_replaced_whole()
    {
        using var folder = new TemporaryFolder();
        folder.Write(MetricsJson.FileName, new byte[100_000]);

        await MetricsJson.WriteAsync(folder.Root, Report);

        Assert.Equal(MetricsJson.Serialize(Report), await File.ReadAllBytesAsync(Path.Combine(folder.Root, MetricsJson.FileName)));
        Assert.Single(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public async Task A_write_that_fails_leaves_no_draft()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Root, MetricsJson.FileName));

        await Assert.ThrowsAnyAsync<Exception>(() => MetricsJson.WriteAsync(folder.Root, Report));

        Assert.Empty(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void The_tables_hold_the_figures()
    {
        var summary = EvaluationMarkdown.Summary(Report);
        var classes = EvaluationMarkdown.PerClass(Report.Metrics);
        var confusion = EvaluationMarkdown.ConfusionMatrix(Report.Metrics);

        Assert.Contains("| Accuracy (95 % interval) | 75.00 (30.06 to 95.44) | 75.00 (30.06 to 95.44) |", summary, StringComparison.Ordinal);
        Assert.Contains("| Happy | 100.00 | 50.00 (9.45 to 90.55) | 66.67 | 2 |", classes, StringComparison.Ordinal);
        Assert.Contains("| Angry | n/a | n/a | n/a | 0 |", classes, StringComparison.Ordinal);
        Assert.Contains("| Happy | 0 | 0 | 0 | **1** | 1 | 0 | 0 |", confusion, StringComparison.Ordinal);
        Assert.Contains("| True \\ predicted | Angry | Disgust |", confusion, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_row_of_a_table_has_as_many_cells_as_its_head()
    {
        string[] tables =
        [
            EvaluationMarkdown.Summary(Report),
            EvaluationMarkdown.Summary(Report with { Calibrated = null, Calibration = null }),
            EvaluationMarkdown.PerClass(Report.Metrics),
            EvaluationMarkdown.ConfusionMatrix(Report.Metrics),
            EvaluationMarkdown.Reliability(Report.Metrics),
        ];

        Assert.All(tables, table => Assert.Single(table.TrimEnd().Split('\n').Select(line => line.Count(c => c == '|')).Distinct()));
    }

    [Fact]
    public void A_report_without_a_temperature_shows_one_column()
    {
        var bare = EvaluationReport.Create(Some, FerUsage.PrivateTest, "abc");

        Assert.Null(bare.Calibrated);
        Assert.Contains("| Metric | Value |", EvaluationMarkdown.Summary(bare), StringComparison.Ordinal);
        Assert.DoesNotContain("T =", EvaluationMarkdown.Summary(bare), StringComparison.Ordinal);
        Assert.Equal("plain", MetricsJson.Deserialize(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(MetricsJson.Serialize(bare)))).TestTimeAugmentation);
    }
}
