using FerActors.Shared.Files;
using Microsoft.Win32.SafeHandles;

namespace FerActors.Vision.Safetensors;

/// <summary>Random access to the bytes of a file or a buffer. Reads from several threads at once are safe.</summary>
internal abstract class ByteSource : IDisposable
{
    public abstract long Length { get; }

    /// <exception cref="EndOfStreamException">There are fewer bytes than asked for.</exception>
    public abstract void Read(long offset, Span<byte> destination);

    public abstract void Dispose();

    internal sealed class OfFile : ByteSource
    {
        private readonly SafeFileHandle _handle;

        public OfFile(string path)
        {
            _handle = RegularFile.OpenHandle(path);
            try
            {
                Length = RandomAccess.GetLength(_handle);
            }
            catch
            {
                _handle.Dispose();
                throw;
            }
        }

        public override long Length { get; }

        public override void Read(long offset, Span<byte> destination)
        {
            while (!destination.IsEmpty)
            {
                var count = RandomAccess.Read(_handle, destination, offset);
                if (count == 0)
                {
                    throw new EndOfStreamException("The safetensors file became shorter while it was open.");
                }

                destination = destination[count..];
                offset += count;
            }
        }

        public override void Dispose() => _handle.Dispose();
    }

    internal sealed class OfMemory(ReadOnlyMemory<byte> bytes) : ByteSource
    {
        public override long Length => bytes.Length;

        public override void Read(long offset, Span<byte> destination) =>
            bytes.Span.Slice(checked((int)offset), destination.Length).CopyTo(destination);

        public override void Dispose()
        {
            // The buffer belongs to the caller.
        }
    }
}
