using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Sql.Snapshot;

namespace FerActors.Control.Persistence;

/// <summary>The snapshot store of Akka.Persistence.Sql with a <see cref="RestartPause"/>.</summary>
public sealed class RetryingSnapshotStore(Config config) : SqlSnapshotStore(config)
{
    private readonly RestartPause _pause = new();

    protected override void PostRestart(Exception reason) => _pause.Begin(Context, reason);

    protected override bool AroundReceive(Receive receive, object message) =>
        _pause.Takes(message, Stash, base.PostRestart) || base.AroundReceive(receive, message);
}
