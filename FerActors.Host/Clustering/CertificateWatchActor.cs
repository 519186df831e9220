using System.Diagnostics.Metrics;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;

namespace FerActors.Host.Clustering;

/// <summary>Says ahead of time that this node's certificate ends: a line a day in the log from 30 days before, and a measure at all times.</summary>
internal sealed class CertificateWatchActor : ReceiveActor, IWithTimers
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "FerActors.Certificate";

    private static readonly TimeSpan Ahead = TimeSpan.FromDays(30);
    private static readonly TimeSpan Every = TimeSpan.FromDays(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Meter _meter = new(MeterName);

    public CertificateWatchActor(DateTimeOffset ends, TimeProvider clock)
    {
        _meter.CreateObservableGauge(
            "fer.certificate.remaining", () => (ends - clock.GetUtcNow()).TotalSeconds, "s", "Time until this node's cluster certificate ends; negative afterwards.");
        Receive<Look>(_ =>
        {
            if (Notice(ends, clock.GetUtcNow()) is { } notice)
            {
                _log.Warning("{Notice}", notice);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Adds it to a node that shows a certificate to others.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, DateTimeOffset ends) => akka.WithActors((system, _) =>
        ((ExtendedActorSystem)system).SystemActorOf(Props.Create(() => new CertificateWatchActor(ends, TimeProvider.System)), "fer-certificate"));

    /// <summary>What a person is told; <see langword="null"/> where there is time.</summary>
    /// <param name="ends">When the certificate ends.</param>
    /// <param name="now">The time.</param>
    internal static string? Notice(DateTimeOffset ends, DateTimeOffset now)
    {
        var left = ends - now;
        var date = ends.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        const string remedy = "Make new ones with 'fer cluster make-certificates' and start the nodes again, one after the other";
        return left > Ahead ? null
            : left <= TimeSpan.Zero ? $"This node's certificate ended on {date}: no other node talks to it any more. {remedy}"
            : $"This node's certificate ends on {date}, in {Math.Max(1, (int)left.TotalDays)} days: no other node will talk to it then. {remedy}";
    }

    protected override void PreStart()
    {
        Self.Tell(Look.Instance);
        Timers.StartPeriodicTimer(nameof(Look), Look.Instance, Every);
    }

    protected override void PostStop() => _meter.Dispose();

    private sealed class Look : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private Look()
        {
        }

        public static Look Instance { get; } = new();
    }
}
