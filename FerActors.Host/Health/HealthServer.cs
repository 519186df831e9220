using System.Net;
using System.Text.Json;
using FerActors.Host.Web;
using FerActors.Shared.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace FerActors.Host.Health;

/// <summary>
/// Answers <see cref="LivePath"/> and <see cref="ReadyPath"/> with 200 or 503 and the checks as JSON, and <see cref="MetricsPath"/> in
/// Prometheus' format, from before the model is loaded until the last part of the node has stopped.
/// </summary>
public sealed class HealthServer : IHostedService, IAsyncDisposable
{
    public const string LivePath = "/health/live";
    public const string ReadyPath = "/health/ready";

    /// <summary>What .NET, its web server and the process measure, and every meter whose name begins with <see cref="Meters"/>.</summary>
    public const string MetricsPath = "/metrics";

    public const string Meters = "FerActors";

    private const int MaxConnections = 64;

    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(5);

    private readonly HealthCheckService _checks;
    private readonly HealthOptions _options;
    private readonly string _node;
    private readonly ILogger _log;
    private WebApplication? _app;
    private string? _lastReadiness;

    /// <param name="checks">The checks of the whole node.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="node">This node's name, for the answers.</param>
    /// <param name="log">Says where it listens, and each change of readiness that an answer showed.</param>
    public HealthServer(HealthCheckService checks, HealthOptions options, string node, ILogger<HealthServer> log)
    {
        ArgumentNullException.ThrowIfNull(options);
        _checks = checks;
        _options = options;
        _node = node;
        _log = log;
    }

    /// <summary>Where it listens once started; <see langword="null"/> where it does not.</summary>
    public Uri? Address => _app is { } app && NodeWeb.AddressesOf(app) is [var address, ..] ? address : null;

    /// <exception cref="IOException">The port that was given belongs to another process, or the address to another machine.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var port = _options.Port ?? HealthOptions.DefaultPort;
        _app = Build(port);
        try
        {
            await _app.StartAsync(cancellationToken).ConfigureAwait(false);
            _log.LogInformation("Health at {Address}", new Uri(Address!, ReadyPath));
        }
        catch (IOException e) when (e.InnerException is AddressInUseException && _options.Port is null)
        {
            _log.LogWarning("Another process has port {Port}; this node goes on without a health endpoint (set Health:Port to give it one)", port);
            await DisposeAsync().ConfigureAwait(false);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new IOException($"The health endpoint cannot listen on {_options.Address}:{port}: {e.Message}.", e);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is { } app)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(StopTimeout);
            await app.StopAsync(limit.Token).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Adds everything that <see cref="MetricsPath"/> shows.</summary>
    internal static MeterProviderBuilder AddMeters(MeterProviderBuilder metrics) => metrics
        .AddMeter(Meters + "*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting")
        .AddRuntimeInstrumentation()
        .AddProcessInstrumentation();

    private WebApplication Build(int port)
    {
        var builder = NodeWeb.CreateBuilder(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
            kestrel.Listen(IPAddress.Parse(_options.Address), port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(_checks);
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => AddMeters(metrics).AddPrometheusExporter());
        var app = builder.Build();
        new HostGuard(_options.AllowedHosts, [], HealthOptions.Section).Use(app, (http, status, sentence) =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync(sentence + "\n", http.RequestAborted);
        });
        app.UseRouting();
        Map(app, LivePath, HealthTags.Live);
        Map(app, ReadyPath, HealthTags.Ready);
        app.MapPrometheusScrapingEndpoint(MetricsPath);
        return app;
    }

    private void Map(WebApplication app, string path, string tag) => app.MapHealthChecks(path, new HealthCheckOptions
    {
        Predicate = check => check.Tags.Contains(tag),
        ResponseWriter = (context, report) =>
        {
            if (path == ReadyPath)
            {
                LogChange(report);
            }

            return WriteAsync(context, report);
        },
    });

    private void LogChange(HealthReport report)
    {
        var readiness = string.Join("; ", report.Entries
            .Where(entry => entry.Value.Status == HealthStatus.Unhealthy)
            .Select(entry => $"{entry.Key}: {Describe(entry.Value)}"));
        if (Interlocked.Exchange(ref _lastReadiness, readiness) == readiness)
        {
            return;
        }

        if (readiness.Length == 0)
        {
            _log.LogInformation("The node is ready");
        }
        else
        {
            _log.LogInformation("The node is not ready: {Reasons}", readiness);
        }
    }

    private async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", report.Status.ToString());
        json.WriteString("node", _node);
        json.WriteStartArray("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("status", entry.Status.ToString());
            json.WriteString("description", Describe(entry));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    // What an exception says may name addresses and users.
    private static string Describe(HealthReportEntry entry) =>
        entry.Exception is { } e ? $"failed with {e.GetType().Name}" : entry.Description ?? "";
}
