namespace FerActors.Vision.Safetensors;

/// <summary>Names and sizes of the element types, as the format spells them.</summary>
public static class SafetensorsDTypes
{
    private static readonly (SafetensorsDType DType, string Name, int Bits)[] Table =
    [
        (SafetensorsDType.Bool, "BOOL", 8),
        (SafetensorsDType.F4, "F4", 4),
        (SafetensorsDType.F6E2M3, "F6_E2M3", 6),
        (SafetensorsDType.F6E3M2, "F6_E3M2", 6),
        (SafetensorsDType.U8, "U8", 8),
        (SafetensorsDType.I8, "I8", 8),
        (SafetensorsDType.F8E5M2, "F8_E5M2", 8),
        (SafetensorsDType.F8E4M3, "F8_E4M3", 8),
        (SafetensorsDType.F8E8M0, "F8_E8M0", 8),
        (SafetensorsDType.F8E4M3Fnuz, "F8_E4M3FNUZ", 8),
        (SafetensorsDType.F8E5M2Fnuz, "F8_E5M2FNUZ", 8),
        (SafetensorsDType.I16, "I16", 16),
        (SafetensorsDType.U16, "U16", 16),
        (SafetensorsDType.F16, "F16", 16),
        (SafetensorsDType.BF16, "BF16", 16),
        (SafetensorsDType.I32, "I32", 32),
        (SafetensorsDType.U32, "U32", 32),
        (SafetensorsDType.F32, "F32", 32),
        (SafetensorsDType.C64, "C64", 64),
        (SafetensorsDType.F64, "F64", 64),
        (SafetensorsDType.I64, "I64", 64),
        (SafetensorsDType.U64, "U64", 64),
    ];

    private static readonly Dictionary<string, SafetensorsDType> ByName =
        Table.ToDictionary(entry => entry.Name, entry => entry.DType, StringComparer.Ordinal);

    /// <summary>All element types, the smallest first.</summary>
    public static IReadOnlyList<SafetensorsDType> All { get; } = [.. Table.Select(entry => entry.DType)];

    /// <summary>The name in the header, for example <c>F8_E4M3</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration.</exception>
    public static string FormatName(this SafetensorsDType dtype) => Entry(dtype).Name;

    /// <summary>Size of one element in bits; 4 and 6 for the types that share bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of the enumeration.</exception>
    public static int BitSize(this SafetensorsDType dtype) => Entry(dtype).Bits;

    /// <summary>Finds a type by its name in the header; the case counts.</summary>
    public static bool TryParse(string? name, out SafetensorsDType dtype)
    {
        dtype = default;
        return name is not null && ByName.TryGetValue(name, out dtype);
    }

    /// <summary>Bytes that a tensor takes.</summary>
    /// <param name="dtype">Element type.</param>
    /// <param name="shape">Sizes of the dimensions, none negative; empty for a scalar.</param>
    /// <param name="elements">Product of the shape.</param>
    /// <param name="bytes">Elements times their size.</param>
    /// <returns>
    /// <see langword="false"/> where the product overflows 63 bits, or where elements smaller than a byte do not fill whole bytes.
    /// </returns>
    internal static bool TryMeasure(SafetensorsDType dtype, ReadOnlySpan<long> shape, out long elements, out long bytes)
    {
        elements = 1;
        bytes = 0;
        try
        {
            foreach (var size in shape)
            {
                elements = checked(elements * size);
            }

            var bits = checked(elements * dtype.BitSize());
            bytes = bits / 8;
            return bits % 8 == 0;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static (SafetensorsDType DType, string Name, int Bits) Entry(SafetensorsDType dtype) =>
        (uint)dtype < (uint)Table.Length
            ? Table[(int)dtype]
            : throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "No such element type.");
}
