using System.Data.Common;
using FerActors.Shared.Files;

namespace FerActors.Shared.Options;

/// <summary>Where the journals of the training supervisor and of the model registry are.</summary>
public sealed record PersistenceOptions
{
    public const string Section = "Persistence";

    private const string DefaultSqlite = "Data Source=data/journal.db";

    public PersistenceProvider Provider { get; init; } = PersistenceProvider.Sqlite;

    /// <summary>ADO.NET's connection string; a file under <c>data/</c> for SQLite where absent. May hold a password.</summary>
    [SecretOption]
    public string? ConnectionString { get; init; }

    /// <summary>A file that holds the connection string, for mounted secrets; a line end after it is ignored. It is read at the start.</summary>
    public string? ConnectionStringFile { get; init; }

    /// <summary>Create the tables where they are absent. Without it they must exist, and the database's user needs no right to.</summary>
    public bool AutoInitialize { get; init; } = true;

    /// <summary>All mistakes at once, each a sentence without any part of the connection string; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(Enum.IsDefined(Provider), nameof(Provider), Provider, "Sqlite or PostgreSql");
        errors.Check(
            ConnectionString is null || ConnectionStringFile is null,
            nameof(ConnectionStringFile),
            ConnectionStringFile,
            "absent where ConnectionString is given");
        errors.Check(
            Provider != PersistenceProvider.PostgreSql || ConnectionString is not null || ConnectionStringFile is not null,
            nameof(ConnectionString),
            "",
            "given for PostgreSql, here or through ConnectionStringFile");
        errors.Check(
            ConnectionString is null || Parse(ConnectionString) is not null,
            nameof(ConnectionString),
            "(not shown)",
            "of the form Name=value;Name=value");
        errors.Check(
            ConnectionStringFile is null || File.Exists(ConnectionStringFile),
            nameof(ConnectionStringFile),
            ConnectionStringFile,
            "a file that exists");
        return errors.All;
    }

    /// <summary>The connection string in force.</summary>
    /// <exception cref="FormatException">It is none; the message does not show it.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string ReadConnectionString()
    {
        var text = ConnectionString
            ?? (ConnectionStringFile is null ? DefaultSqlite : RegularFile.ReadAllText(ConnectionStringFile).TrimEnd('\r', '\n'));
        return Parse(text) is not null && !text.Any(char.IsControl)
            ? text
            : throw new FormatException($"{Section}: the connection string is not of the form Name=value;Name=value.");
    }

    /// <summary>For logs and people: nothing of the connection string, which may hold a password.</summary>
    public override string ToString() => $"{Provider} journal";

    private static DbConnectionStringBuilder? Parse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : new DbConnectionStringBuilder { ConnectionString = text };
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}

public enum PersistenceProvider
{
    /// <summary>A file of this machine; for a cluster of one.</summary>
    Sqlite = 0,
    PostgreSql = 1,
}
