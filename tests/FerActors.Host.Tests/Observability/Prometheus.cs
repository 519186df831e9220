using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FerActors.Host.Tests.Observability;

/// <summary>A real Prometheus with one target and our rules, on a free port and in a folder of its own.</summary>
internal sealed partial class Prometheus : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string _folder;
    private readonly HttpClient _client;

    private Prometheus(Process process, string folder, Uri address)
    {
        _process = process;
        _folder = folder;
        _client = new HttpClient { BaseAddress = address };
    }

    public static string Absence => "prometheus and promtool are not installed here; scripts/unpack-prometheus fetches them, FER_PROMETHEUS_HOME names their folder.";

    /// <summary>A program of the package: in <c>FER_PROMETHEUS_HOME</c>, or on the path. Absent where neither has it.</summary>
    public static string? Find(string program)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).AsEnumerable();
        if (Environment.GetEnvironmentVariable("FER_PROMETHEUS_HOME") is { Length: > 0 } home)
        {
            folders = [home, Path.Combine(home, "usr", "bin"), .. folders];
        }

        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    public static async Task<Prometheus> StartAsync(Uri target, string rules)
    {
        var folder = Directory.CreateTempSubdirectory("fer-prometheus-").FullName;
        var configuration = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(configuration, $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: [ "{{rules}}" ]
            scrape_configs:
              - job_name: feractors
                static_configs: [ { targets: [ "{{target.Authority}}" ] } ]
            """);
        var process = Process.Start(new ProcessStartInfo(Find("prometheus")!,
        [
            $"--config.file={configuration}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", "--web.listen-address=127.0.0.1:0",
        ])
        {
            RedirectStandardError = true,
            WorkingDirectory = folder,
        })!;
        using var bound = new CancellationTokenSource(Patience);
        while (await process.StandardError.ReadLineAsync(bound.Token) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                // It would stop where nobody read on.
                _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
                return new Prometheus(process, folder, new Uri($"http://{match.Groups["address"].Value}"));
            }
        }

        throw new InvalidOperationException("Prometheus ended without listening.");
    }

    /// <summary>The value of a query that gives one number; absent where it gives nothing.</summary>
    public async Task<double?> QueryAsync(string query) => await SeriesAsync(query) is [var first, ..] ? first : null;

    /// <summary>The values of all series that a query gives.</summary>
    public async Task<IReadOnlyList<double>> SeriesAsync(string query)
    {
        try
        {
            var json = JsonDocument.Parse(await _client.GetStringAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative)));
            return
            [
                .. json.RootElement.GetProperty("data").GetProperty("result").EnumerateArray()
                    .Select(series => double.Parse(series.GetProperty("value")[1].GetString()!, System.Globalization.CultureInfo.InvariantCulture)),
            ];
        }
        catch (HttpRequestException)
        {
            // It listens a moment before it answers.
            return [];
        }
    }

    /// <summary>Names and health of the rules.</summary>
    public async Task<IReadOnlyList<(string Name, string Health)>> RulesAsync()
    {
        var json = JsonDocument.Parse(await _client.GetStringAsync(new Uri("/api/v1/rules", UriKind.Relative)));
        return
        [
            .. json.RootElement.GetProperty("data").GetProperty("groups").EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray())
                .Select(rule => (rule.GetProperty("name").GetString()!, rule.GetProperty("health").GetString()!)),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex(@"msg=""?Listening on""? address=(?<address>127\.0\.0\.1:\d+)")]
    private static partial Regex Listening();
}
