using System.Data.Common;
using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence;
using FerActors.Control.Persistence;
using FerActors.Host.Observability;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Serilog;

namespace FerActors.Host.Node;

/// <summary>
/// Makes the tables of journal and snapshots ahead of the nodes, by a user who may create them; with <c>Persistence:AutoInitialize</c>
/// off the nodes' own user needs no right to.
/// </summary>
public static class JournalTables
{
    /// <summary>Creates the tables where they are absent, and recovers an actor without events from them. Nothing is written to them.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="configuration">For logging.</param>
    /// <param name="timeout">How long the database may take.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="InvalidOperationException">The database refuses; the message says what it said, without the connection string.</exception>
    /// <exception cref="TimeoutException">It did not answer in time; the log has the reason where there is one.</exception>
    public static async Task EnsureAsync(PersistenceOptions options, IConfiguration configuration, TimeSpan timeout, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(configuration);
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSerilog(logging => FerLogging.Configure(logging, configuration));
        builder.Services.AddAkka("fer-migrate", akka => akka
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            })
            .AddHocon("akka.log-dead-letters = off", HoconAddMode.Prepend)
            .WithFerPersistence(options with { AutoInitialize = true }));
        using var host = builder.Build();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            await OpenAsync(options, limit.Token).ConfigureAwait(false);
            await host.StartAsync(limit.Token).ConfigureAwait(false);
            var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            host.Services.GetRequiredService<ActorSystem>().ActorOf(Props.Create(() => new Reader(recovered)), "reader");
            await recovered.Task.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"The database did not make the journal's tables within {timeout.TotalSeconds:0} s.");
        }
        finally
        {
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    // A wrong address or password gets its sentence here; the journal would try again until the time is over.
    private static async Task OpenAsync(PersistenceOptions options, CancellationToken cancellation)
    {
        var text = options.ReadConnectionString();
        try
        {
            DbConnection connection = options.Provider == PersistenceProvider.PostgreSql ? new NpgsqlConnection(text) : new SqliteConnection(text);
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is DbException or ArgumentException)
        {
            throw new InvalidOperationException($"The journal's database cannot be opened: {e.Message}", e);
        }
    }

    private sealed class Reader : ReceivePersistentActor
    {
        private readonly TaskCompletionSource _recovered;

        public Reader(TaskCompletionSource recovered)
        {
            _recovered = recovered;
            Recover<RecoveryCompleted>(_ => _recovered.TrySetResult());
        }

        public override string PersistenceId => "fer-migrate";

        protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
            _recovered.TrySetException(new InvalidOperationException($"The journal's tables cannot be read: {reason.Message}", reason));
    }
}
