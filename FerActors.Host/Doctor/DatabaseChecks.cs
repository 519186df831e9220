using System.Data.Common;
using System.Globalization;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FerActors.Host.Doctor;

/// <summary>The journal's database, and its clock. Nothing is written to it, and a file that is absent is not made.</summary>
internal sealed class DatabaseChecks(FerOptions options)
{
    private const string Name = "database";
    private const string ClockName = "clock";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);
    private static readonly string[] Tables = ["journal", "snapshot"];

    private readonly PersistenceOptions _persistence = options.Persistence;

    public IEnumerable<Check> All() => [new(Name, Limit, LookAsync)];

    private async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellation)
    {
        if (!options.Cluster.Has(NodeRoles.Control) && !options.Cluster.Has(NodeRoles.Training))
        {
            return [Finding.Skipped(Name, "The roles of this node write no journal.")];
        }

        var text = _persistence.ReadConnectionString();
        if (_persistence.Provider == PersistenceProvider.Sqlite)
        {
            var file = Path.GetFullPath(new SqliteConnectionStringBuilder(text).DataSource);
            if (!File.Exists(file))
            {
                return [Finding.Ok(Name, $"There is no journal '{file}' yet; the first start makes it."), Clock()];
            }

            text = new SqliteConnectionStringBuilder(text) { Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ConnectionString;
        }

        try
        {
            DbConnection connection = _persistence.Provider == PersistenceProvider.PostgreSql
                ? new NpgsqlConnection(new NpgsqlConnectionStringBuilder(text) { Pooling = false }.ConnectionString)
                : new SqliteConnection(text);
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(cancellation).ConfigureAwait(false);
                return
                [
                    await TablesAsync(connection, cancellation).ConfigureAwait(false),
                    _persistence.Provider == PersistenceProvider.PostgreSql ? await ClockAsync(connection, cancellation).ConfigureAwait(false) : Clock(),
                ];
            }
        }
        catch (DbException e)
        {
            return [Finding.Failure(Name, $"The journal's database cannot be read: {e.Message.TrimEnd('.')}.", "Mend Persistence:ConnectionString (or its file), the database's address, user or rights.")];
        }
    }

    private async Task<Finding> TablesAsync(DbConnection connection, CancellationToken cancellation)
    {
        var missing = new List<string>();
        foreach (var table in Tables)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = _persistence.Provider == PersistenceProvider.PostgreSql
                ? $"SELECT count(*) FROM information_schema.tables WHERE table_name = '{table}'"
                : $"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{table}'";
            if (Convert.ToInt64(await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false), CultureInfo.InvariantCulture) == 0)
            {
                missing.Add(table);
            }
        }

        return missing.Count == 0
            ? Finding.Ok(Name, $"{_persistence} answers, and has its tables.")
            : _persistence.AutoInitialize
                ? Finding.Ok(Name, $"{_persistence} answers; the first node makes its tables.")
                : Finding.Failure(Name, $"{_persistence} answers, but lacks {string.Join(" and ", missing.Select(table => $"the table '{table}'"))}.", "Run 'fer migrate' with a user who may make tables, or set Persistence:AutoInitialize=true.");
    }

    private static async Task<Finding> ClockAsync(DbConnection connection, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT extract(epoch FROM clock_timestamp())::double precision";
        var before = DateTimeOffset.UtcNow;
        var theirs = Convert.ToDouble(await command.ExecuteScalarAsync(cancellation).ConfigureAwait(false), CultureInfo.InvariantCulture);
        var after = DateTimeOffset.UtcNow;
        var ours = before + ((after - before) / 2);
        var ahead = ours - DateTimeOffset.UnixEpoch.AddSeconds(theirs);
        var text = string.Create(CultureInfo.InvariantCulture, $"This machine's clock is {Math.Abs(ahead.TotalSeconds):0.0} s {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} the database's.");
        return ahead.Duration() <= ClockTolerance + ((after - before) / 2)
            ? Finding.Ok(ClockName, text)
            : Finding.Warning(ClockName, text, "Let a time service set both (chrony, systemd-timesyncd): leases, retention and logs go by the clock.");
    }

    private static Finding Clock() => Finding.Skipped(ClockName, "Neither RabbitMQ nor a database of this machine tells another time to compare with.");
}
