using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FerActors.Vision.Safetensors;

/// <summary>Reads safetensors files. Opening reads and checks the header only; tensors are read when asked for.</summary>
/// <remarks>Reading from several threads at once is safe, disposing while another thread reads is not.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    // A multiple of every element size that is converted.
    private const int ConversionBytes = 1 << 16;

    private const int MaxDirectElements = 1 << 28;

    private readonly ByteSource _source;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;

    private SafetensorsFile(ByteSource source, SafetensorsHeader header, long dataStart)
    {
        _source = source;
        _header = header;
        _dataStart = dataStart;
    }

    /// <summary>The tensors by their names, compared with their case.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <summary>The texts of <c>__metadata__</c>; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file. Allocates in proportion to its header (at most 100,000,000 bytes), never to its tensors.</summary>
    /// <exception cref="SafetensorsFormatException">The file breaks a rule of the format.</exception>
    /// <exception cref="IOException">The file is absent or cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(new ByteSource.OfFile(path));
    }

    /// <summary>Opens a file that is in memory. The bytes must not change while it is open.</summary>
    /// <exception cref="SafetensorsFormatException">The bytes break a rule of the format.</exception>
    public static SafetensorsFile Open(ReadOnlyMemory<byte> bytes) => Open(new ByteSource.OfMemory(bytes));

    /// <summary>Reads a tensor's bytes as they are in the file (little endian).</summary>
    /// <param name="tensor">One of <see cref="Tensors"/> of this file.</param>
    /// <param name="destination">Exactly <see cref="TensorInfo.ByteLength"/> bytes.</param>
    /// <exception cref="ArgumentException">The tensor is not of this file, or the destination has another length.</exception>
    /// <exception cref="EndOfStreamException">The file was cut after it was opened.</exception>
    public void Read(TensorInfo tensor, Span<byte> destination)
    {
        RequireOwn(tensor);
        if (destination.Length != tensor.ByteLength)
        {
            throw new ArgumentException(
                $"Tensor {SafetensorsHeader.Quote(tensor.Name)} has {tensor.ByteLength} bytes, the destination {destination.Length}.",
                nameof(destination));
        }

        _source.Read(_dataStart + tensor.Begin, destination);
    }

    /// <summary>Reads a whole tensor as 32-bit floats; F32, F16, BF16 and F64 are converted, other types refused.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <returns>The elements in row-major order.</returns>
    /// <exception cref="KeyNotFoundException">The file has no such tensor.</exception>
    /// <exception cref="NotSupportedException">The type is none of the four, or the tensor is too long for an array.</exception>
    public float[] ReadAsFloat32(string name)
    {
        if (!Tensors.TryGetValue(name, out var tensor))
        {
            throw new KeyNotFoundException($"The safetensors file has no tensor {SafetensorsHeader.Quote(name)}.");
        }

        // Before the allocation: the element count of other types says nothing about the bytes in the file.
        RequireFloat(tensor);
        if (tensor.ElementCount > Array.MaxLength)
        {
            throw new NotSupportedException(
                $"Tensor {SafetensorsHeader.Quote(name)} has {tensor.ElementCount} elements, more than one array holds.");
        }

        var values = GC.AllocateUninitializedArray<float>((int)tensor.ElementCount);
        ReadAsFloat32(tensor, 0, values);
        return values;
    }

    /// <summary>Reads a run of a tensor's elements as 32-bit floats.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/> of this file.</param>
    /// <param name="first">Index of the first element, in row-major order.</param>
    /// <param name="destination">As many elements as are read.</param>
    /// <exception cref="ArgumentException">The tensor is not of this file, or the run leaves it.</exception>
    /// <exception cref="NotSupportedException">The type is none of F32, F16, BF16 and F64.</exception>
    public void ReadAsFloat32(TensorInfo tensor, long first, Span<float> destination)
    {
        RequireOwn(tensor);
        RequireFloat(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        if (destination.Length > tensor.ElementCount - first)
        {
            throw new ArgumentException(
                $"Tensor {SafetensorsHeader.Quote(tensor.Name)} has no {destination.Length} elements from {first} on.",
                nameof(destination));
        }

        var elementBytes = tensor.DType.BitSize() / 8;
        var offset = _dataStart + tensor.Begin + (first * elementBytes);
        if (tensor.DType == SafetensorsDType.F32 && BitConverter.IsLittleEndian)
        {
            // In pieces, since the bytes of a long tensor are more than one span can count.
            while (!destination.IsEmpty)
            {
                var piece = destination[..Math.Min(destination.Length, MaxDirectElements)];
                _source.Read(offset, MemoryMarshal.AsBytes(piece));
                destination = destination[piece.Length..];
                offset += (long)piece.Length * elementBytes;
            }

            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(ConversionBytes);
        try
        {
            while (!destination.IsEmpty)
            {
                var count = Math.Min(destination.Length, ConversionBytes / elementBytes);
                var chunk = buffer.AsSpan(0, count * elementBytes);
                _source.Read(offset, chunk);
                Convert(tensor.DType, chunk, destination[..count]);
                destination = destination[count..];
                offset += chunk.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose() => _source.Dispose();

    private static SafetensorsFile Open(ByteSource source)
    {
        try
        {
            var length = source.Length;
            if (length < SafetensorsHeader.LengthFieldBytes)
            {
                throw new SafetensorsFormatException($"The file has {length} bytes, too few for the header's length field.");
            }

            Span<byte> field = stackalloc byte[SafetensorsHeader.LengthFieldBytes];
            source.Read(0, field);
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(field);
            if (headerLength > SafetensorsLimits.HeaderBytes)
            {
                throw new SafetensorsFormatException(
                    $"The header claims {headerLength} bytes, over the format's limit of {SafetensorsLimits.HeaderBytes}.");
            }

            var dataStart = SafetensorsHeader.LengthFieldBytes + (long)headerLength;
            if (dataStart > length)
            {
                throw new SafetensorsFormatException($"The header claims {headerLength} bytes, but the file ends after {length}.");
            }

            var json = GC.AllocateUninitializedArray<byte>((int)headerLength);
            source.Read(SafetensorsHeader.LengthFieldBytes, json);
            return new SafetensorsFile(source, SafetensorsHeader.Parse(json, length - dataStart), dataStart);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static void Convert(SafetensorsDType dtype, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (dtype)
        {
            case SafetensorsDType.F16:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
                }

                break;
            case SafetensorsDType.BF16:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = BFloat16Bits.ToSingle(BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]));
                }

                break;
            case SafetensorsDType.F64:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(8 * i)..]);
                }

                break;
            default:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(4 * i)..]);
                }

                break;
        }
    }

    private static void RequireFloat(TensorInfo tensor)
    {
        if (tensor.DType is not (SafetensorsDType.F32 or SafetensorsDType.F16 or SafetensorsDType.BF16 or SafetensorsDType.F64))
        {
            throw new NotSupportedException(
                $"Tensor {SafetensorsHeader.Quote(tensor.Name)} is {tensor.DType.FormatName()}; "
                + $"only F32, F16, BF16 and F64 are read as floats.");
        }
    }

    private void RequireOwn(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!Tensors.TryGetValue(tensor.Name, out var own) || !ReferenceEquals(own, tensor))
        {
            throw new ArgumentException($"Tensor {SafetensorsHeader.Quote(tensor.Name)} is not of this file.", nameof(tensor));
        }
    }
}
