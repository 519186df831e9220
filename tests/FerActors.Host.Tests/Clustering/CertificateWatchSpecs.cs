using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Clustering;

namespace FerActors.Host.Tests.Clustering;

/// <summary>That a certificate ends is said ahead of time.</summary>
public sealed class CertificateWatchSpecs : TestKit
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(31, null)]
    [InlineData(30, "ends on 2026-03-31, in 30 days")]
    [InlineData(0.5, "ends on 2026-03-02, in 1 days")]
    [InlineData(-1, "ended on 2026-02-28: no other node talks to it any more")]
    public void From_30_days_before_a_person_is_told(double days, string? sentence)
    {
        var notice = CertificateWatchActor.Notice(Noon.AddDays(days), Noon);

        Assert.Equal(sentence is null, notice is null);
        Assert.Contains(sentence ?? "", notice ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_a_warning_in_the_log_and_a_measure()
    {
        var seconds = 0.0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name == CertificateWatchActor.MeterName && instrument.Name == "fer.certificate.remaining")
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => seconds = value);
        listener.Start();

        await EventFilter.Warning(contains: "This node's certificate ends on").ExpectOneAsync(() =>
        {
            Sys.ActorOf(Props.Create(() => new CertificateWatchActor(DateTimeOffset.UtcNow.AddDays(3), TimeProvider.System)));
            return Task.CompletedTask;
        });
        listener.RecordObservableInstruments();

        Assert.InRange(seconds, TimeSpan.FromDays(2.9).TotalSeconds, TimeSpan.FromDays(3).TotalSeconds);
    }
}
