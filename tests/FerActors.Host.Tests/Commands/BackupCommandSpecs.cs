using System.Formats.Tar;
using System.Security.Cryptography;
using FerActors.Host.Backups;
using FerActors.Host.Commands;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Host.Tests.Operator;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer backup</c> and <c>fer restore</c>, rehearsed: the folder of a node is destroyed and put back.</summary>
[Collection(BrokerCollection.Name)]
public sealed class BackupCommandSpecs(BrokerNode broker) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-backup-").FullName;

    private string Data => Path.Combine(_folder, "data");

    private string Archive => Path.Combine(_folder, "node.tar");

    private string Endpoint => Path.Combine(_folder, "control.sock");

    private string[] Places =>
    [
        $"Persistence:ConnectionString=Data Source={Path.Combine(Data, "journal.db")}",
        $"Registry:Root={Path.Combine(Data, "registry")}",
        $"Training:RunsFolder={Path.Combine(Data, "runs")}",
        $"Feedback:Folder={Path.Combine(Data, "feedback")}",
    ];

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [SkippableFact]
    public async Task The_champion_of_a_running_node_serves_again_after_its_folder_was_destroyed_and_restored()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        using (var node = await StartAsync(queues))
        {
            await DoneAsync("model", "register", "dear", Surroundings.ShippedModel);
            await DoneAsync("model", "promote", "dear", "--wait", "--timeout", "120");
            await DoneAsync("model", "register", "other", Surroundings.ShippedModel);
            var (code, said, errors) = await RunAsync("backup");
            Assert.True(code == 0, errors);
            Assert.Contains("MiB.", said, StringComparison.Ordinal);

            // What comes after the backup is not in it.
            await DoneAsync("model", "delete", "other");
            await node.StopAsync();
        }

        SqliteConnection.ClearAllPools();
        Directory.Delete(Data, recursive: true);
        var (restored, _, trouble) = await RunAsync("restore");
        Assert.True(restored == 0, trouble);

        using (var node = await StartAsync(queues))
        {
            await DoneAsync("model", "verify", "dear");
            await DoneAsync("model", "verify", "other");
            await DoneAsync("model", "promote", "dear", "--wait", "--timeout", "120");
            await queues.PublishAsync("after", Surroundings.Picture(".png", side: 48), aligned: true);
            Assert.Equal("dear", Assert.Single(await queues.ResultsAsync(1)).Model!.Version);
            await node.StopAsync();
        }

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Archive));
        }
    }

    [Fact]
    public async Task Nothing_that_exists_is_replaced_and_no_archive_either()
    {
        await SaveAsync();

        var (again, _, taken) = await RunAsync("backup");
        var (code, _, errors) = await RunAsync("restore");

        Assert.Equal((1, 1), (again, code));
        Assert.Contains("exists; name a new file", taken, StringComparison.Ordinal);
        Assert.Contains("exists and is not empty; move it away first", errors, StringComparison.Ordinal);
        Assert.Equal("a version", await File.ReadAllTextAsync(Path.Combine(Data, "registry", "v1", "model.safetensors")));
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("missing")]
    [InlineData("cut")]
    [InlineData("strange")]
    [InlineData("outside")]
    public async Task An_archive_that_is_not_what_was_written_changes_nothing(string damage)
    {
        await SaveAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(Data, recursive: true);
        await DamageAsync(damage);

        var (code, _, errors) = await RunAsync("restore");

        Assert.Equal(1, code);
        Assert.Contains(damage is "strange" or "outside" ? "does not write" : damage == "cut" ? "archive" : "missing or not what was written", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Data, "journal.db")));
        Assert.Empty(Directory.Exists(Data) ? Directory.GetFileSystemEntries(Data).Where(path => !path.EndsWith(".lock", StringComparison.Ordinal)) : []);
        Assert.False(File.Exists(Path.Combine(_folder, "elsewhere")));
    }

    [Fact]
    public async Task A_journal_in_PostgreSQL_is_left_to_its_own_tools()
    {
        var (code, _, errors) = await RunAsync("backup", "Persistence:Provider=PostgreSql", "Persistence:ConnectionString=Host=nowhere");

        Assert.Equal(2, code);
        Assert.Contains("pg_dump", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_grows_meanwhile_is_taken_as_it_was_with_the_digest_of_that()
    {
        var path = Path.Combine(_folder, "growing");
        await File.WriteAllTextAsync(path, "as it was");
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        await using var hashed = new HashedStream(file);
        await using (var appended = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            await appended.WriteAsync(" and more"u8.ToArray());
        }

        using var read = new MemoryStream();
        await hashed.CopyToAsync(read);

        Assert.Equal("as it was"u8.ToArray(), read.ToArray());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("as it was"u8)), hashed.Digest());
    }

    private async Task SaveAsync()
    {
        Directory.CreateDirectory(Path.Combine(Data, "registry", "v1"));
        await File.WriteAllTextAsync(Path.Combine(Data, "registry", "v1", "model.safetensors"), "a version");
        await using (var journal = new SqliteConnection($"Data Source={Path.Combine(Data, "journal.db")};Pooling=false"))
        {
            await journal.OpenAsync();
            await using var command = journal.CreateCommand();
            command.CommandText = "PRAGMA journal_mode=WAL; CREATE TABLE journal (event text); INSERT INTO journal VALUES ('promoted')";
            await command.ExecuteNonQueryAsync();
        }

        var (code, _, errors) = await RunAsync("backup");
        Assert.True(code == 0, errors);
    }

    private async Task DamageAsync(string damage)
    {
        var whole = await File.ReadAllBytesAsync(Archive);
        if (damage == "cut")
        {
            await File.WriteAllBytesAsync(Archive, whole[..(whole.Length / 2)]);
            return;
        }

        await using var from = new TarReader(new MemoryStream(whole));
        await using var file = File.Create(Archive);
        await using var to = new TarWriter(file, TarEntryFormat.Pax);
        while (await from.GetNextEntryAsync(copyData: true) is { } entry)
        {
            var isModel = entry.Name.EndsWith("model.safetensors", StringComparison.Ordinal);
            var name = isModel ? damage switch { "strange" => "cluster/key", "outside" => "registry/../../elsewhere", _ => entry.Name } : entry.Name;
            if (isModel && damage == "missing")
            {
                continue;
            }

            await to.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name)
            {
                DataStream = isModel && damage == "changed" ? new MemoryStream("another!!"u8.ToArray()) : entry.DataStream,
            });
        }
    }

    private async Task<IHost> StartAsync(NodeQueues queues)
    {
        var node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. queues.Settings,
            .. Places,
            $"Model:Path={Surroundings.ShippedModel}",
            "Model:Precision=fp32",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            $"Control:Socket={Endpoint}",
            "Health:Port=0",
            "Logging:Level=Fatal",
        ]));
        await node.StartAsync();
        return node;
    }

    // The endpoint may be there before the registry is.
    private async Task DoneAsync(params string[] arguments)
    {
        using var patience = new CancellationTokenSource(OperatorNode.Patience);
        while (true)
        {
            var (code, output, errors) = await FerAsync([.. arguments, "--endpoint", Endpoint]);
            if (code == 0)
            {
                return;
            }

            Assert.True(code == OperatorExitCodes.NoAnswer && !patience.IsCancellationRequested, output + errors);
        }
    }

    private Task<(int Code, string Output, string Errors)> RunAsync(string command, params string[] settings) =>
        FerAsync([command, Archive, .. Places.Concat(settings).SelectMany(setting => new[] { "--set", setting })]);

    private static async Task<(int Code, string Output, string Errors)> FerAsync(string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(arguments, (output, errors)).WaitAsync(TimeSpan.FromMinutes(3));
        return (code, output.ToString(), errors.ToString());
    }
}
