using System.Collections.Concurrent;
using Akka.Actor;

namespace FerActors.Host.Broker;

/// <summary>
/// Says when the absence of a broker is worth a line. Several connections of a node miss the same broker, and try again every few
/// seconds: the first failure is told, then one after 10 s, 20 s, 40 s and so on to an hour.
/// </summary>
/// <param name="clock">The time.</param>
internal sealed class BrokerAbsence(TimeProvider clock) : IExtension
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, (DateTimeOffset Next, TimeSpan Pause)> _brokers = new(StringComparer.Ordinal);

    public static BrokerAbsence Of(ActorSystem system) => system.WithExtension<BrokerAbsence, Provider>();

    /// <summary>A connection to the broker failed: whether to say so.</summary>
    /// <param name="broker">The broker's address.</param>
    public bool IsNews(string broker)
    {
        var news = false;
        _brokers.AddOrUpdate(
            broker,
            _ =>
            {
                news = true;
                return (clock.GetUtcNow() + FirstPause, FirstPause);
            },
            (_, told) =>
            {
                var now = clock.GetUtcNow();
                news = now >= told.Next;
                var pause = told.Pause * 2 < LongestPause ? told.Pause * 2 : LongestPause;
                return news ? (now + pause, pause) : told;
            });
        return news;
    }

    /// <summary>A connection was made: the next failure is news again.</summary>
    /// <param name="broker">The broker's address.</param>
    public void Ended(string broker) => _brokers.TryRemove(broker, out _);

    private sealed class Provider : ExtensionIdProvider<BrokerAbsence>
    {
        public override BrokerAbsence CreateExtension(ExtendedActorSystem system) => new(TimeProvider.System);
    }
}
