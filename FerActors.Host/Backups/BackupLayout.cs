using System.Text.Json;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Backups;

/// <summary>What an archive holds and where that stands on a node: names in the archive begin with one of these words.</summary>
/// <param name="Journal">The journal's file; <see langword="null"/> where it is in a database of its own.</param>
/// <param name="Folders">Folders by their word.</param>
internal sealed record BackupLayout(string? Journal, IReadOnlyDictionary<string, string> Folders)
{
    public const string JournalName = "journal.db";
    public const string ManifestName = "manifest.json";
    public const string Registry = "registry";
    public const string Runs = "runs";
    public const string Feedback = "feedback";

    /// <summary>The places of a node with these options.</summary>
    public static BackupLayout Of(FerOptions options) => new(
        options.Persistence.Provider == PersistenceProvider.Sqlite
            ? Path.GetFullPath(new SqliteConnectionStringBuilder(options.Persistence.ReadConnectionString()).DataSource)
            : null,
        new Dictionary<string, string>
        {
            [Registry] = Path.GetFullPath(options.Registry.Root),
            [Runs] = Path.GetFullPath(options.Training.RunsFolder),
            [Feedback] = Path.GetFullPath(options.Feedback.Folder),
        });
}

/// <summary>The last entry of an archive.</summary>
/// <param name="Format">1.</param>
/// <param name="Made">When.</param>
/// <param name="Files">SHA-256 of each file, by its name in the archive.</param>
internal sealed record BackupManifest(int Format, DateTimeOffset Made, IReadOnlyDictionary<string, string> Files)
{
    public const int Current = 1;
    public const int MaxBytes = 64 << 20;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <exception cref="JsonException">It is none.</exception>
    public static BackupManifest FromJson(byte[] json) =>
        JsonSerializer.Deserialize<BackupManifest>(json, Json) is { Files: not null } read ? read : throw new JsonException("The manifest is empty.");
}
