using System.Globalization;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Intake;
using FerActors.Shared.Options;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Health;

/// <summary>What it means for the node that a part of it has or has not moved. Pure.</summary>
internal static class ProgressVerdicts
{
    // Deliveries that the pipeline kept too long, one after another, before the pipeline counts as dead.
    private const int MaxGivenUp = 3;

    /// <summary>A part that has work must finish some of it.</summary>
    /// <param name="part">What it is, for the sentence.</param>
    /// <param name="standing">How long it has not moved; absent where it has no work.</param>
    /// <param name="limit">How long it may.</param>
    public static HealthCheckResult Moves(string part, TimeSpan? standing, TimeSpan limit) => standing > limit
        ? HealthCheckResult.Unhealthy($"{part} has not moved for {Text(standing.Value)}")
        : HealthCheckResult.Healthy("moves");

    /// <summary>Whether the transport works: it is connected, and what waits moves.</summary>
    public static HealthCheckResult Ready(TransportStatistics transport, HealthOptions options)
    {
        var progress = transport.Progress ?? new TransportProgress();
        return transport switch
        {
            { Mode: IntakeMode.Draining } => HealthCheckResult.Unhealthy("takes no more images, since the node stops"),
            { ConsumerConnected: false } => HealthCheckResult.Unhealthy("consumes no images: there is no session with the broker"),
            { PublisherConnected: false } => HealthCheckResult.Unhealthy("cannot publish results: there is no session with the broker"),
            { PublisherBlocked: true } => HealthCheckResult.Healthy("is connected; the broker has an alarm and takes no results for now"),
            _ when progress.PublisherStandstill > options.StalledAfter && progress.PublisherRefused => HealthCheckResult.Unhealthy(
                $"has had no result confirmed for {Text(progress.PublisherStandstill.Value)} while {transport.PendingResults} wait: "
                + "the broker refuses them, since a queue of results is full"),
            _ when progress.PublisherStandstill > options.StalledAfter => HealthCheckResult.Unhealthy(
                $"has had no result confirmed for {Text(progress.PublisherStandstill.Value)} while {transport.PendingResults} wait"),
            _ when progress.ConsumerStandstill > options.StalledAfter => HealthCheckResult.Unhealthy(
                $"has answered no image for {Text(progress.ConsumerStandstill.Value)} while {transport.InFlight} wait; "
                + $"the oldest waits for {Text(progress.OldestUnanswered ?? TimeSpan.Zero)}"),
            _ => HealthCheckResult.Healthy("consumes and publishes"),
        };
    }

    /// <summary>Whether a restart may help. A broker that is away, has an alarm or refuses results would do the same to the next process.</summary>
    public static HealthCheckResult Lives(TransportStatistics transport, HealthOptions options)
    {
        var progress = transport.Progress ?? new TransportProgress();
        var hindered = transport is { ConsumerConnected: false } or { PublisherConnected: false } or { PublisherBlocked: true } or { Mode: IntakeMode.Draining }
            || progress.PublisherRefused;
        return hindered ? HealthCheckResult.Healthy("is hindered from outside")
            : progress.GivenUpInARow >= MaxGivenUp ? HealthCheckResult.Unhealthy(
                $"has got no answer from the pipeline for {progress.GivenUpInARow} images in a row")
            : progress.PublisherStandstill > options.DeadAfter ? Moves("the publisher", progress.PublisherStandstill, options.DeadAfter)
            : Moves("the consumer", progress.ConsumerStandstill, options.DeadAfter);
    }

    public static HealthCheckResult Gateway(GatewayStatus gateway) => gateway switch
    {
        { Fault: { } fault } => HealthCheckResult.Unhealthy($"cannot use the broker: {fault}"),
        { Connected: false } => HealthCheckResult.Degraded("has no session with the broker"),
        { Blocked: true } => HealthCheckResult.Degraded("is connected; the broker has an alarm and takes no images for now"),
        { UnansweredInARow: > 1 } => HealthCheckResult.Degraded($"has got no result for {gateway.UnansweredInARow} requests in a row"),
        _ => HealthCheckResult.Healthy("sends and receives"),
    };

    private static string Text(TimeSpan time) => time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture) + " s";
}
