using System.Text.Json;
using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

/// <summary>What a report says of stages and peers that answered nothing.</summary>
public sealed class BenchReportSpecs
{
    private static readonly Figure Silent = new Figure.NotMeasured("it ended with code 1: KeyError: 'weight'");

    [Fact]
    public void A_peer_that_answered_nothing_is_not_measured_and_its_bar_is_missed()
    {
        var text = Report(endToEnd: Figure.Of(198), ratio: Figure.Of(0.97), peer: Silent).ToMarkdown();

        Assert.Contains("| photos | batch 1 | not measured | 198.0 | not measured (missed) |", text, StringComparison.Ordinal);
        Assert.Contains("Not measured: photos, plain consumer, batch 1: it ended with code 1: KeyError: 'weight'.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Infinity", text, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN (met)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_answered_nothing_misses_every_bar()
    {
        var text = Report(endToEnd: Silent, ratio: Silent, peer: Figure.Of(7.6)).ToMarkdown();

        Assert.Contains("not measured (bar 0.95, missed)", text, StringComparison.Ordinal);
        Assert.Contains("| photos | batch 1 | 7.6 | not measured | not measured (missed) |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("met)", text.Replace("(met)", "", StringComparison.Ordinal).Split("Latency, ms")[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_that_reach_their_bars_meet_them()
    {
        var text = Report(endToEnd: Figure.Of(198), ratio: Figure.Of(0.97), peer: Figure.Of(20)).ToMarkdown();

        Assert.Contains("0.97 (bar 0.95, met)", text, StringComparison.Ordinal);
        Assert.Contains("| photos | batch 1 | 20.0 | 198.0 | 9.90 (met) |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Not measured:", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_shows_every_layout_of_the_raw_pipeline_and_names_the_best()
    {
        var text = Report(endToEnd: Figure.Of(198), ratio: Figure.Of(0.97), peer: Figure.Of(20)).ToMarkdown();

        Assert.Contains("| photos | 1 | 2 | 13.1 |  |", text, StringComparison.Ordinal);
        Assert.Contains("| photos | 2 | 1 | 23.1 | best |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_latency_that_leaves_images_out_is_not_measured()
    {
        var lost = Summary() with { PerSecond = new Figure.NotMeasured("3 of 200 images had no answer (unanswered)") };

        var figures = new LatencyFigures("photos", Loaded: lost, Unloaded: Summary());

        Assert.Equal(lost.PerSecond, figures.Growth);
        Assert.Equal(Figure.Of(1), new LatencyFigures("photos", Summary(), Summary()).Growth);
    }

    [Fact]
    public void The_json_has_no_number_for_what_was_not_measured()
    {
        using var json = JsonDocument.Parse(Report(endToEnd: Figure.Of(198), ratio: Figure.Of(0.97), peer: Silent).ToJson());

        var figures = json.RootElement.GetProperty("figures")[0];
        Assert.Equal(198, figures.GetProperty("end_to_end").GetDouble());
        Assert.StartsWith("it ended", figures.GetProperty("peers")[0].GetProperty("not_measured").GetString(), StringComparison.Ordinal);
    }

    private static LoadSummary Summary() =>
        new(Figure.Of(20), 1, 1, 1, 1, 1, 1, 1, new LatencyPercentiles(200, 20, 30, 40, 50, 60), LatencyPercentiles.None, 2, new Dictionary<string, int> { ["classified"] = 200 });

    private static BenchReport Report(Figure endToEnd, Figure ratio, Figure peer)
    {
        var layouts = new LayoutSearchResult(new(2, 1), [(new(1, 2), Figure.Of(13.1)), (new(2, 1), Figure.Of(23.1))]);
        var figures = new WorkloadFigures(
            "photos", BenchReport.PhotosBar, 4, layouts, Figure.Of(177), Figure.Of(18), Figure.Of(23), endToEnd, ratio, Figure.Of(80), Figure.Of(82), Figure.Of(1), Figure.Of(1), [peer]);
        return new BenchReport(
            "./run bench", "two cores", "YuNet", [new PeerNote("batch 1", "torch")], 3, [figures], [], [new LatencyFigures("photos", Summary(), Summary())]);
    }
}
