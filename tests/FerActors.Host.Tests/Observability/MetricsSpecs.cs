using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FerActors.Host.Configuration;
using FerActors.Host.Health;
using FerActors.Host.Http;
using FerActors.Host.Node;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Telemetry;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Observability;

/// <summary>What Prometheus reads from a whole node that answers images, and what the dashboard and the alerts make of it.</summary>
[Collection(BrokerCollection.Name)]
public sealed partial class MetricsSpecs(BrokerNode broker) : IAsyncLifetime
{
    private const int Uploads = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly string Monitoring = Path.Combine(Surroundings.Root, "deploy", "monitoring");

    private NodeQueues? _queues;
    private IHost? _node;
    private HttpClient? _client;

    private Uri Metrics => _node!.Services.GetRequiredService<HealthServer>().Address!;

    public async Task InitializeAsync()
    {
        if (broker.Uri is null)
        {
            return;
        }

        _queues = await NodeQueues.DeclareAsync(broker);
        _node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. _queues.Settings,
            "Cluster:Roles:0=inference",
            "Cluster:Roles:1=api",
            "Api:Urls=http://127.0.0.1:0",
            "Health:Port=0",
            "Telemetry:CollectEvery=00:00:00.2",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Logging:Level=Error",
        ]));
        await _node.StartAsync();
        _client = new HttpClient { BaseAddress = _node.Services.GetRequiredService<ApiServer>().Addresses[0] };
        await AnswerSomeAsync();
    }

    public async Task DisposeAsync()
    {
        if (_node is not null)
        {
            _client!.Dispose();
            await _node.StopAsync();
            _node.Dispose();
            await _queues!.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task A_scrape_shows_what_the_node_did()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await UntilAsync(async () => Value(await ScrapeAsync(), "fer_broker_connected", "fer_connection=\"consumer\"") == 1);
        var scrape = await ScrapeAsync();

        Assert.True(Value(scrape, "fer_images_total", "fer_outcome=\"classified\"") >= Uploads, scrape);
        Assert.True(Value(scrape, "fer_images_total", "fer_outcome=\"corrupt_image\"") >= 1, scrape);
        Assert.True(Value(scrape, "fer_stage_duration_seconds_count", "fer_stage=\"infer\"") >= Uploads);
        Assert.True(Value(scrape, "fer_batch_size_sum", "") >= Uploads);
        Assert.True(Value(scrape, "messaging_process_duration_seconds_count", $"\"{_queues!.Options.ImagesQueue}\"") >= Uploads + 1);
        Assert.True(Value(scrape, "messaging_client_operation_duration_seconds_count", $"\"{_queues.Options.ImagesQueue}\"") >= Uploads);
        Assert.True(Value(scrape, "http_server_request_duration_seconds_count", "/v1/classify") >= Uploads);
        Assert.Equal(1, Value(scrape, "fer_model_serving", "fer_model_version="));
        Assert.Equal(0, Value(scrape, "fer_drift_state", "fer_drift_signal=\"brightness\""));
        Assert.NotNull(Value(scrape, "fer_drift_psi", "fer_drift_signal=\"prediction_mix\""));
        Assert.Null(Value(scrape, "fer_drift_ks", "fer_drift_signal=\"prediction_mix\""));
        Assert.Equal(0, Value(scrape, "fer_broker_messages", $"\"{_queues.Options.ImagesQueue}\""));
        Assert.True(Value(scrape, "process_memory_usage_bytes", "") > 1e6);
    }

    [SkippableFact]
    public async Task Every_measure_that_the_dashboard_and_the_alerts_name_is_one_that_a_node_has()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        RecordWhatThisNodeHasNone();
        await UntilAsync(async () => (await ScrapeAsync()).Contains("fer_broker_messages{", StringComparison.Ordinal));
        var scrape = await ScrapeAsync();
        var known = scrape.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.IndexOfAny(['{', ' '])]).ToHashSet();

        var named = new List<string>();
        foreach (var file in new[] { "alerts.yml", "dashboard.json" })
        {
            named.AddRange(Measure().Matches(await File.ReadAllTextAsync(Path.Combine(Monitoring, file))).Select(match => match.Value));
        }

        Assert.True(named.Count > 30);
        Assert.DoesNotContain(named, name => !known.Contains(name));
    }

    [SkippableFact]
    public async Task A_real_prometheus_reads_the_node_and_takes_our_rules()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(Prometheus.Find("prometheus") is null, Prometheus.Absence);

        await using var prometheus = await Prometheus.StartAsync(Metrics, Path.Combine(Monitoring, "alerts.yml"));

        await UntilAsync(async () => await prometheus.QueryAsync("sum(fer_images_total{fer_outcome=\"classified\"})") >= Uploads);
        Assert.Equal(1, await prometheus.QueryAsync("up{job=\"feractors\"}"));
        Assert.Equal(1, await prometheus.QueryAsync("fer_broker_connected{fer_connection=\"publisher\"}"));
        Assert.True(await prometheus.QueryAsync("histogram_quantile(0.95, sum by (le) (fer_stage_duration_seconds_bucket{fer_stage=\"total\"}))") > 0);
        await UntilAsync(async () => await prometheus.QueryAsync("nv_inference_request_success") >= Uploads);
        Assert.All(await prometheus.RulesAsync(), rule => Assert.Equal("ok", rule.Health));
    }

    [SkippableFact]
    public async Task Every_panel_of_the_dashboard_shows_something_in_a_real_prometheus()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(Prometheus.Find("prometheus") is null, Prometheus.Absence);
        using var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Monitoring, "dashboard.json")));
        var queries = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray().Select(target => (
                Panel: panel.GetProperty("title").GetString()!,
                Query: target.GetProperty("expr").GetString()!
                    .Replace("$instance", ".*", StringComparison.Ordinal)
                    .Replace("$__rate_interval", "30s", StringComparison.Ordinal))))
            .ToList();
        await using var prometheus = await Prometheus.StartAsync(Metrics, Path.Combine(Monitoring, "alerts.yml"));
        var empty = queries.ToList();

        // A rate needs two scrapes between which something happens.
        await UntilAsync(async () =>
        {
            RecordWhatThisNodeHasNone();
            await AnswerSomeAsync();
            var still = new List<(string, string)>();
            foreach (var query in empty)
            {
                if (!(await prometheus.SeriesAsync(query.Query)).Any(double.IsFinite))
                {
                    still.Add(query);
                }
            }

            empty = still;
            return empty.Count == 0;
        }, () => $"Nothing in {string.Join("; ", empty)}");
        Assert.True(queries.Count > 20);
    }

    [SkippableFact]
    public async Task Promtool_finds_the_alerts_sound_and_each_fires_when_it_must()
    {
        Skip.If(Prometheus.Find("promtool") is null, Prometheus.Absence);
        foreach (var arguments in new string[][] { ["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"] })
        {
            using var process = Process.Start(new ProcessStartInfo(Prometheus.Find("promtool")!, arguments)
            {
                WorkingDirectory = Monitoring,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var said = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, said);
        }
    }

    // Trainings, loads and feedback, of which a node that only answers has nothing to show.
    private static void RecordWhatThisNodeHasNone()
    {
        FerMetrics.TrainingAdvanced("spec", step: 1, steps: 2, loss: 1.5, imagesPerSecond: 100);
        FerMetrics.TrainingEvaluated("spec", accuracy: 0.6);
        FerMetrics.ModelLoaded(milliseconds: 100);
        FerMetrics.FeedbackJudged("spec", accuracy: 0.8, judged: 100);
    }

    // The first uploads may find the gateway still connecting, or the model loading.
    private async Task AnswerSomeAsync()
    {
        var picture = Surroundings.Picture(".png", side: 48);
        var answered = 0;
        await UntilAsync(async () =>
        {
            var response = await _client!.PostAsync(new Uri("/v1/classify?aligned=true", UriKind.Relative), new ByteArrayContent(picture));
            return response.IsSuccessStatusCode && ++answered == Uploads;
        });
        await _queues!.PublishAsync("bad", Surroundings.Picture(".jpg")[..200]);
        await _queues.ResultsAsync(1);
    }

    private async Task<string> ScrapeAsync()
    {
        using var client = new HttpClient();
        return await client.GetStringAsync(new Uri(Metrics, "/metrics"));
    }

    // The sum of the series of a name whose labels contain a text; absent where there is none.
    private static double? Value(string scrape, string name, string labels)
    {
        var values = scrape.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
            .Where(line => line.Contains(labels, StringComparison.Ordinal))
            .Select(line => line[(line.Contains('}', StringComparison.Ordinal) ? line.LastIndexOf('}') + 1 : name.Length)..].Trim().Split(' ')[0])
            .Select(value => double.Parse(value, CultureInfo.InvariantCulture))
            .ToList();
        return values.Count > 0 ? values.Sum() : null;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string>? failure = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, failure?.Invoke() ?? "It did not come about in time.");
            await Task.Delay(Poll);
        }
    }

    [GeneratedRegex(@"\b(fer|messaging|http_server|process|dotnet)_[a-z_]+(?=\{|\[| |\)|"")(?<!_version|_outcome|_stage|_part|_event|_label|_run|_connection|_signal|_name|_code|_type)")]
    private static partial Regex Measure();
}
