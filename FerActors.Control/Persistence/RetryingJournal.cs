using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Sql.Journal;

namespace FerActors.Control.Persistence;

/// <summary>The journal of Akka.Persistence.Sql with a <see cref="RestartPause"/>.</summary>
public sealed class RetryingJournal(Config config) : SqlWriteJournal(config)
{
    private readonly RestartPause _pause = new();

    protected override void PostRestart(Exception reason) => _pause.Begin(Context, reason);

    protected override bool AroundReceive(Receive receive, object message) =>
        _pause.Takes(message, Stash, base.PostRestart) || base.AroundReceive(receive, message);
}
