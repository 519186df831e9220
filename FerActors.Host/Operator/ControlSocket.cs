using System.Net.Sockets;
using FerActors.Shared.Files;

namespace FerActors.Host.Operator;

/// <summary>The file of a Unix domain socket, owned by one process at a time. On Windows the folder's rights guard it.</summary>
/// <remarks>
/// The owner holds a lock beside it, which ends with its process, so that the file which a killed node left is told from that of a
/// node that runs. A lock says it without a connection, and two nodes that start at once cannot both take it.
/// </remarks>
internal sealed class ControlSocket : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private ControlSocket(string path, FileStream held) => (FilePath, _lock) = (path, held);

    public string FilePath { get; }

    /// <summary>Takes the path; a file that a dead process left there goes.</summary>
    /// <returns><see langword="null"/> where another process has it.</returns>
    /// <exception cref="IOException">The folder cannot be made or written.</exception>
    public static ControlSocket? TryTake(string path)
    {
        var full = Path.GetFullPath(path);
        if (FileLock.TryTake(full + ".lock") is not { } held)
        {
            return null;
        }

        File.Delete(full);
        return new ControlSocket(full, held);
    }

    /// <summary>Binds, so that nobody can connect before the file has its mode: that takes a socket which listens.</summary>
    public Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(FilePath));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(FilePath, OwnerOnly);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        File.Delete(FilePath);
        _lock.Dispose();
    }
}
