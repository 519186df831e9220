using System.Text.Json;
using FerActors.Lab.Bench;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Lab.Tests.Bench;

/// <summary><c>fer bench</c> as a user starts it, for a short time, on a real broker.</summary>
[Collection(BrokerCollection.Name)]
public sealed class BenchCommandSpecs(BrokerNode broker)
{
    [SkippableFact]
    public async Task A_short_bench_answers_every_image_and_writes_both_forms_of_its_report()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var folder = Directory.CreateTempSubdirectory("fer-bench-specs-").FullName;
        try
        {
            var file = Path.Combine(folder, "bench.md");

            var (code, output, errors) = await FerProcess.RunLabAsync(
                "bench", "--rounds", "1", "--seconds", "0.5", "--open-seconds", "0.5", "--no-peer", "--json", "--output", file,
                "--photos", folder,
                "--set", $"RabbitMq:Uri={broker.Uri}",
                "--set", $"Model:Path={Surroundings.ShippedModel}",
                "--set", $"Detection:ModelFolders:0={Surroundings.Shared("models")}");

            Assert.True(code == 0, errors);
            using var json = JsonDocument.Parse(output);
            var figures = json.RootElement.GetProperty("figures").EnumerateArray().ToList();
            Assert.Equal(["48x48 crops", "photos (made, no faces)"], figures.Select(f => f.GetProperty("workload").GetString()!));
            Assert.All(figures, f => Assert.True(f.GetProperty("raw").GetDouble() > 0));
            Assert.All(figures, f => Assert.Equal("it was not asked for", f.GetProperty("peers")[0].GetProperty("not_measured").GetString()));
            var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
            Assert.Equal(6, rows.Count);
            Assert.All(rows, row => Assert.All(
                row.GetProperty("summary").GetProperty("outcomes").EnumerateObject(),
                outcome => Assert.Contains(outcome.Name, new[] { "classified", "no_face" })));

            var markdown = await File.ReadAllTextAsync(file);
            Assert.All(
                BenchReport.PerfAnalyzer.Select(column => column.Name), name => Assert.Contains($"| {name} |", markdown, StringComparison.Ordinal));
            Assert.DoesNotContain(new Uri(broker.Uri).UserInfo, output + errors + markdown, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Settings_that_measure_nothing_are_refused()
    {
        var (code, _, errors) = await FerProcess.RunLabAsync("bench", "--rounds", "0");

        Assert.Equal(2, code);
        Assert.Contains("--longest-queue must be at least 1", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void The_machines_busy_time_leaves_out_what_waits() =>
        Assert.Equal(1.21, ProcessorTime.ReadStat("cpu  10 20 30 4000 500 60 1 7 0 0"), 1e-9);
}
