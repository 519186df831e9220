using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Health;

/// <summary>Everything of the node has started, and it has not been told to stop.</summary>
internal sealed class LifetimeCheck(IHostApplicationLifetime lifetime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var result = lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("stops")
            : lifetime.ApplicationStarted.IsCancellationRequested ? HealthCheckResult.Healthy("has started")
            : HealthCheckResult.Unhealthy("starts");
        return Task.FromResult(result);
    }
}
