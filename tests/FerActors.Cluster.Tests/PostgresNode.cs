using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace FerActors.Cluster.Tests;

/// <summary>A private PostgreSQL on loopback for the run, or the one that FER_TEST_POSTGRES names as a connection string without a database.</summary>
public sealed class PostgresNode : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "fer-postgres-" + Guid.NewGuid().ToString("N")[..8]);
    private string? _server;
    private string? _programs;

    /// <summary>Why there is none; empty where there is one.</summary>
    public string Absence { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("FER_TEST_POSTGRES") is { Length: > 0 } given)
        {
            _server = given;
            return;
        }

        _programs = FindPrograms();
        if (_programs is null)
        {
            Absence = "PostgreSQL is not installed here, and FER_TEST_POSTGRES names none.";
            return;
        }

        // It refuses to run as root.
        Directory.CreateDirectory(_folder);
        if (Environment.IsPrivilegedProcess)
        {
            await MustRunAsync("chown", ["postgres", _folder]);
        }

        var port = FreePort();
        await MustRunAsServerAsync("initdb", "-D", Path.Combine(_folder, "db"), "-U", "fer", "--auth=trust", "--no-sync");
        await MustRunAsServerAsync(
            "pg_ctl",
            "-D", Path.Combine(_folder, "db"),
            "-l", Path.Combine(_folder, "log"),
            "-o", $"-p {port} -k {_folder} -c listen_addresses=127.0.0.1 -c fsync=off",
            "-w", "-t", "180",
            "start");
        _server = $"Host=127.0.0.1;Port={port};Username=fer";
    }

    public async Task DisposeAsync()
    {
        if (_programs is not null && _server is not null)
        {
            await MustRunAsServerAsync("pg_ctl", "-D", Path.Combine(_folder, "db"), "-m", "immediate", "-w", "stop");
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Makes a database and gives its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = "fer_" + Guid.NewGuid().ToString("N")[..8];
        await using var connection = new NpgsqlConnection($"{_server};Database=postgres");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync();
        return $"{_server};Database={name}";
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string? FindPrograms()
    {
        var debian = "/usr/lib/postgresql";
        IEnumerable<string> folders = Directory.Exists(debian)
            ? Directory.EnumerateDirectories(debian).OrderByDescending(f => int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture)).Select(f => Path.Combine(f, "bin"))
            : [];
        return folders
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    private Task MustRunAsServerAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs!, program);
        return Environment.IsPrivilegedProcess
            ? MustRunAsync("runuser", ["-u", "postgres", "--", path, .. arguments])
            : MustRunAsync(path, arguments);
    }

    // Its output is not read: the server that pg_ctl starts would hold the pipe open.
    private static async Task MustRunAsync(string program, IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program, .. arguments])
        {
            WorkingDirectory = "/",
        })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed with {process.ExitCode}");
    }
}
