namespace FerActors.Vision.Imaging;

/// <summary>What the stored samples mean.</summary>
public enum ColorKind
{
    Gray,
    GrayAlpha,
    Palette,

    /// <summary>A palette some of whose colours are transparent.</summary>
    PaletteAlpha,
    Rgb,
    Rgba,

    /// <summary>Four inks, stored inverted as Adobe's programs do (plain or YCCK).</summary>
    Cmyk,
}

internal static class ColorKinds
{
    public static bool HasAlpha(this ColorKind kind) => kind is ColorKind.GrayAlpha or ColorKind.PaletteAlpha or ColorKind.Rgba;

    public static int Channels(this ColorKind kind) => kind switch
    {
        ColorKind.Gray or ColorKind.Palette or ColorKind.PaletteAlpha => 1,
        ColorKind.GrayAlpha => 2,
        ColorKind.Rgb => 3,
        _ => 4,
    };
}
