namespace FerActors.Vision.Safetensors;

/// <summary>bfloat16: the upper half of an IEEE 754 single.</summary>
internal static class BFloat16Bits
{
    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Rounds to nearest, ties to even. A NaN stays one (its upper half might have no bit left otherwise).</summary>
    public static ushort FromSingle(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
        {
            return (ushort)((bits >> 16) | 0x0040);
        }

        var tieToEven = 0x7FFFu + ((bits >> 16) & 1);
        return (ushort)((bits + tieToEven) >> 16);
    }
}
