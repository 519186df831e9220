using FerActors.Testing.Processes;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Tests.Commands;

public sealed class MigrateCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-migrate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_tables_of_journal_and_snapshots_are_made_once_and_found_again()
    {
        var file = Path.Combine(_folder, "journal.db");
        var connection = $"Persistence:ConnectionString=Data Source={file};Pooling=false";

        var first = await FerProcess.RunAsync("migrate", "--set", connection, "--set", "Persistence:AutoInitialize=false");
        var tables = Tables(file);
        var second = await FerProcess.RunAsync("migrate", "--set", connection);

        Assert.Equal(0, first.Code);
        Assert.Contains(tables, name => name.Contains("journal", StringComparison.OrdinalIgnoreCase));
        Assert.Contains(tables, name => name.Contains("snapshot", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(0, second.Code);
        Assert.Equal(tables, Tables(file));
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_an_error_that_hides_the_password()
    {
        var (code, output, errors) = await FerProcess.RunAsync(
            "migrate",
            "--set", "Persistence:Provider=PostgreSql",
            "--set", "Persistence:ConnectionString=Host=127.0.0.1;Port=1;Database=fer;Username=fer;Password=s3cret");

        Assert.Equal(1, code);
        Assert.Contains("fer: The journal's database cannot be opened", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", output + errors, StringComparison.Ordinal);
    }

    private static List<string> Tables(string file)
    {
        using var database = new SqliteConnection($"Data Source={file};Pooling=false");
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "select name from sqlite_master where type = 'table' order by name";
        using var rows = command.ExecuteReader();
        var names = new List<string>();
        while (rows.Read())
        {
            names.Add(rows.GetString(0));
        }

        return names;
    }
}
