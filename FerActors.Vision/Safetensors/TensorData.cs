using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FerActors.Vision.Safetensors;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="DType">Type of its elements.</param>
/// <param name="Shape">Sizes of the dimensions, the slowest first; empty for a scalar.</param>
/// <param name="Bytes">The elements, little endian, row-major.</param>
public sealed record TensorData(string Name, SafetensorsDType DType, long[] Shape, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>A tensor of 32-bit floats.</summary>
    public static TensorData FromFloat32(string name, long[] shape, ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
        {
            return new(name, SafetensorsDType.F32, shape, MemoryMarshal.AsBytes(values).ToArray());
        }

        var bytes = new byte[checked(values.Length * sizeof(float))];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        }

        return new(name, SafetensorsDType.F32, shape, bytes);
    }

    /// <summary>A tensor of IEEE half floats, rounded to nearest with ties to even; values from 65520 up become infinite.</summary>
    public static TensorData FromFloat16(string name, long[] shape, ReadOnlySpan<float> values)
    {
        var bytes = new byte[checked(values.Length * 2)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), (Half)values[i]);
        }

        return new(name, SafetensorsDType.F16, shape, bytes);
    }

    /// <summary>A tensor of bfloat16, rounded to nearest with ties to even.</summary>
    public static TensorData FromBFloat16(string name, long[] shape, ReadOnlySpan<float> values)
    {
        var bytes = new byte[checked(values.Length * 2)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), BFloat16Bits.FromSingle(values[i]));
        }

        return new(name, SafetensorsDType.BF16, shape, bytes);
    }
}
