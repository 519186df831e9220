using System.Diagnostics;
using Npgsql;

namespace FerActors.Testing.Processes;

/// <summary>A PostgreSQL server for a test run, started through scripts/database, with a database for each who asks.</summary>
public sealed class PostgresNode : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "fer-pg-" + Guid.NewGuid().ToString("N")[..8]);
    private readonly string _script = Path.Combine(Surroundings.Root, "scripts", "database");
    private string? _connection;
    private int _databases;

    /// <summary>Why there is no server; empty where there is one.</summary>
    public string Absence { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (OperatingSystem.IsWindows())
        {
            Absence = "scripts/database needs a Unix shell.";
            return;
        }

        var (code, output, errors) = await RunAsync("start");
        if (code == 0)
        {
            _connection = output.Trim();
        }
        else if (errors.Contains("is not installed", StringComparison.Ordinal))
        {
            Absence = "PostgreSQL is not installed here (Debian: apt-get install postgresql).";
        }
        else
        {
            throw new InvalidOperationException("The private PostgreSQL server did not start:\n" + errors);
        }
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (_connection is not null)
        {
            await RunAsync("kill");
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>The connection string of a new, empty database.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"fer{Interlocked.Increment(ref _databases)}";
        // Not from the pool, whose connections a kill has cut.
        await using var connection = new NpgsqlConnection(_connection + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"create database {name}";
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(_connection) { Database = name }.ConnectionString;
    }

    public Task KillAsync() => MustRunAsync("kill");

    public Task StartAsync() => MustRunAsync("start");

    private async Task MustRunAsync(string command)
    {
        var (code, _, errors) = await RunAsync(command);
        Assert.True(code == 0, $"scripts/database {command} failed:\n{errors}");
    }

    // The server inherits the script's streams unless it is given others, so that the end of the script is what counts.
    private async Task<(int Code, string Output, string Errors)> RunAsync(string command)
    {
        using var process = Process.Start(new ProcessStartInfo(_script, [command, _folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
