using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer api-key</c>.</summary>
public sealed class ApiKeyCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-keys-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_new_file_of_keys_is_its_owner_s_alone_and_a_second_key_is_added_to_it()
    {
        var file = Path.Combine(_folder, "keys");

        var (first, key, _) = await FerProcess.RunAsync("api-key", "one", "--file", file);
        var (second, _, _) = await FerProcess.RunAsync("api-key", "two", "--file", file);

        Assert.Equal((0, 0), (first, second));
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal(["one", "two"], lines.Select(line => line.Split(':')[0]));
        Assert.DoesNotContain(key.Trim(), string.Join('\n', lines), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }
}
