using Akka.Actor;
using Akka.TestKit;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>The clock of a test scheduler, so that timers and time move together and only when told.</summary>
internal sealed class SchedulerTime(TestScheduler scheduler) : TimeProvider
{
    /// <summary>Makes a test kit use a scheduler that is told the time.</summary>
    public const string Config = "akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"";

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan WallClockError { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => ((ITimeProvider)scheduler).Now + WallClockError;

    public override long GetTimestamp() => ((ITimeProvider)scheduler).Now.UtcTicks;
}
