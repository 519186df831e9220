namespace FerActors.Vision.Safetensors;

/// <summary>What the header says of one tensor.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="DType">Type of its elements.</param>
/// <param name="Shape">Sizes of the dimensions, the slowest first; empty for a scalar. Sizes of zero are legal.</param>
/// <param name="Begin">First byte, counted from the start of the data section.</param>
/// <param name="End">One past the last byte, counted from the start of the data section.</param>
public sealed record TensorInfo(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Product of the shape; 1 for a scalar.</summary>
    public long ElementCount { get; } = Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Bytes of the tensor in the file.</summary>
    public long ByteLength => End - Begin;
}
