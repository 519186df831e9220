using FerActors.Host.Composition;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace FerActors.Host.Telemetry;

/// <summary>Answers <c>GET /metrics</c> on an address of its own, apart from the API: it asks for no key, and holds no client's data.</summary>
public sealed class MetricsServer : IHostedService, IAsyncDisposable
{
    private const int MaxConnections = 16;

    private readonly WebApplication _app;

    /// <param name="url">What it listens on.</param>
    /// <param name="metrics">What it shows.</param>
    /// <param name="loggers">Where it logs.</param>
    public MetricsServer(string url, MeterProvider metrics, ILoggerFactory loggers)
    {
        _app = NodeWeb.CreateBuilder([url], loggers, kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
        }).Build();
        _app.UseOpenTelemetryPrometheusScrapingEndpoint(metrics, predicate: null, path: "/metrics", configureBranchedPipeline: null, optionsName: null);
    }

    /// <summary>What it listens on, with the port that was free.</summary>
    public Uri Address => NodeWeb.AddressesOf(_app)[0];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken);
        _app.Logger.LogInformation("Metrics are at {Address}metrics", Address);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
