using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence.Sql;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;

namespace FerActors.Control.Persistence;

public static class PersistenceHosting
{
    // Whoever writes a journal waits between its attempts already; Akka's 30 s on top only make a database that is back look dead.
    private const string Breaker = "circuit-breaker.reset-timeout = 5s";

    /// <summary>
    /// Journal and snapshots in SQLite or PostgreSQL through Akka.Persistence.Sql. A second writer of the same journal is an error
    /// and is not repaired in silence.
    /// </summary>
    /// <exception cref="FormatException">The connection string is none; the message does not show it.</exception>
    /// <exception cref="IOException">The file with the connection string cannot be read, or the journal's file not be written; the message says why.</exception>
    public static AkkaConfigurationBuilder WithFerPersistence(this AkkaConfigurationBuilder builder, PersistenceOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Provider == PersistenceProvider.Sqlite)
        {
            Prepare(options.ReadConnectionString());
        }

        return builder
            .AddHocon(Configuration(options), HoconAddMode.Prepend)
            .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append);
    }

    internal static Config Configuration(PersistenceOptions options)
    {
        var sqlite = options.Provider == PersistenceProvider.Sqlite;
        return Hocon(
            options.ReadConnectionString(), sqlite ? "SQLite.MS" : "PostgreSQL.15", options.AutoInitialize, parallelism: sqlite ? 1 : 3);
    }

    // The configuration holds the password from here on, so that it must never be logged whole.
    private static Config Hocon(string connection, string provider, bool initialize, int parallelism)
    {
        var text = connection.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        var common = $$"""
            connection-string = "{{text}}"
            provider-name = "{{provider}}"
            auto-initialize = {{(initialize ? "on" : "off")}}
            """;
        return ConfigurationFactory.ParseString($$"""
            akka.log-config-on-start = off
            akka.persistence {
              journal {
                plugin = "akka.persistence.journal.sql"
                sql {
                  class = "{{TypeName(typeof(RetryingJournal))}}"
                  {{common}}
                  parallelism = {{parallelism}}
                  replay-filter.mode = fail
                  {{Breaker}}
                }
              }
              query.journal.sql {
                {{common}}
              }
              snapshot-store {
                plugin = "akka.persistence.snapshot-store.sql"
                sql {
                  class = "{{TypeName(typeof(RetryingSnapshotStore))}}"
                  {{common}}
                  {{Breaker}}
                }
              }
            }
            """);
    }

    private static string TypeName(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";

    // SQLite makes the file but not its folder. The write-ahead log outlives the connection; it spares readers from waiting.
    private static void Prepare(string connection)
    {
        var file = new SqliteConnectionStringBuilder(connection).DataSource;
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        try
        {
            using var database = new SqliteConnection(connection);
            database.Open();
            using var command = database.CreateCommand();
            command.CommandText = "PRAGMA journal_mode=WAL";
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw new IOException($"The journal '{Path.GetFullPath(file)}' cannot be opened: {Cause(e)}.", e);
        }
    }

    // By SQLite's result codes.
    private static string Cause(SqliteException refusal) => refusal.SqliteErrorCode switch
    {
        3 or 23 => "this user has no right to",
        5 or 6 => "another process holds it",
        8 => "the file or its folder is read-only for this user",
        10 => "the disk failed to read or write",
        13 => "the disk is full",
        14 => "the file or its folder is missing, or this user has no right to it",
        26 or 11 => "the file is damaged or no database",
        _ => refusal.Message,
    };
}
