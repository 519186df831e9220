using Akka.Configuration;
using Akka.Event;
using Akka.Persistence.Sql;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using FerActors.Control.Persistence;
using FerActors.Shared.Options;
using Xunit.Abstractions;

namespace FerActors.Control.Tests.Persistence;

/// <summary>Journal and snapshots while the database is away.</summary>
public sealed class RetryingPluginSpecs(ITestOutputHelper output) : TestKit(Away(), output: output)
{
    [Theory]
    [InlineData("Journal")]
    [InlineData("SnapshotStore")]
    public void A_plugin_whose_database_is_away_tries_again_after_a_pause_and_not_before(string plugin)
    {
        var failures = CreateTestProbe();
        failures.IgnoreMessages(m => m is not Error error || error.Message.ToString() != $"Failed to initialize SQL {plugin}.");
        Sys.EventStream.Subscribe(failures, typeof(Error));

        var persistence = Akka.Persistence.Persistence.Instance.Apply(Sys);
        _ = plugin == "Journal" ? persistence.JournalFor(null) : persistence.SnapshotStoreFor(null);

        // Time stands still: without the pause one failure would follow the other.
        var patience = TimeSpan.FromMinutes(1);
        failures.ExpectMsg<Error>(patience);
        failures.ExpectNoMsg(TimeSpan.FromSeconds(1));
        AwaitAssert(
            () =>
            {
                ((TestScheduler)Sys.Scheduler).Advance(RestartPause.Length);
                failures.ExpectMsg<Error>(TimeSpan.FromSeconds(1));
            },
            patience);
    }

    private static Config Away() => ConfigurationFactory.ParseString("""
        akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"
        """)
        .WithFallback(PersistenceHosting.Configuration(new PersistenceOptions
        {
            Provider = PersistenceProvider.PostgreSql,
            ConnectionString = "Host=127.0.0.1;Port=1;Username=fer;Password=none;Database=fer;Timeout=5",
        }))
        .WithFallback(SqlPersistence.DefaultConfiguration);
}
