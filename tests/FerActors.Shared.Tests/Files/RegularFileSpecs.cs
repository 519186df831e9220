using System.Diagnostics;
using System.Net.Sockets;
using FerActors.Shared.Files;

namespace FerActors.Shared.Tests.Files;

public sealed class RegularFileSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_and_a_link_to_it_are_read()
    {
        var path = At("keys.txt");
        File.WriteAllText(path, "\uFEFFäöü");
        File.CreateSymbolicLink(At("link"), path);

        Assert.Equal("äöü", RegularFile.ReadAllText(At("link")));
        Assert.Equal(File.ReadAllBytes(path), RegularFile.ReadAllBytes(path));
    }

    [Fact]
    public void An_empty_file_is_empty()
    {
        File.WriteAllBytes(At("empty"), []);

        Assert.Empty(RegularFile.ReadAllBytes(At("empty")));
        Assert.Equal("", RegularFile.ReadAllText(At("empty")));
    }

    [SkippableFact]
    public void A_named_pipe_is_refused_without_waiting_for_its_other_end()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "named pipes in folders are Unix's");
        using (var make = Process.Start("mkfifo", At("pipe")))
        {
            make.WaitForExit();
        }

        File.CreateSymbolicLink(At("link"), At("pipe"));

        Assert.Equal("a named pipe", Refusal(At("pipe")).Kind);
        Assert.Equal($"'{At("link")}' is a named pipe, not a file.", Refusal(At("link")).Message);
    }

    [SkippableTheory]
    [InlineData("/dev/zero")]
    [InlineData("/dev/null")]
    [InlineData("/dev/tty")]
    public void A_device_is_refused(string path)
    {
        Skip.IfNot(File.Exists(path), $"this machine has no {path}");

        Assert.Equal("a device", Refusal(path).Kind);
    }

    [SkippableFact]
    public void A_socket_is_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the kind of a file is asked for on Linux alone");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(At("socket")));

        Assert.Equal("a socket", Refusal(At("socket")).Kind);
    }

    [Fact]
    public void A_folder_is_refused_by_that_name() => Assert.Equal("a folder", Refusal(_folder).Kind);

    [Fact]
    public void A_missing_file_is_told_as_dotnet_tells_it()
    {
        Assert.Throws<FileNotFoundException>(() => RegularFile.ReadAllBytes(At("none")));
        File.WriteAllText(At("file"), "");
        Assert.Throws<DirectoryNotFoundException>(() => RegularFile.ReadAllBytes(At("file/below")));
    }

    [SkippableFact]
    public void A_link_is_refused_where_links_are_not_followed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the last link of a path is looked at on Linux alone");
        File.WriteAllText(At("file"), "text");
        File.CreateSymbolicLink(At("link"), At("file"));

        Assert.Throws<IOException>(() => RegularFile.OpenRead(At("link"), followLinks: false));
    }

    private string At(string name) => Path.Combine(_folder, name);

    private static NotRegularFileException Refusal(string path) => Assert.Throws<NotRegularFileException>(() => RegularFile.OpenRead(path));
}
