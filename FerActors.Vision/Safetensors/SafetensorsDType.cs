namespace FerActors.Vision.Safetensors;

/// <summary>The element types of the safetensors format, in its own order: by size, the smallest first.</summary>
/// <remarks>The order decides where a tensor lies in a written file, so values are never moved, only added in their place.</remarks>
public enum SafetensorsDType
{
    Bool,
    F4,
    F6E2M3,
    F6E3M2,
    U8,
    I8,
    F8E5M2,
    F8E4M3,
    F8E8M0,
    F8E4M3Fnuz,
    F8E5M2Fnuz,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    C64,
    F64,
    I64,
    U64,
}
