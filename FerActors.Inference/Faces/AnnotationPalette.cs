using FerActors.Shared.Labels;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>One colour for each expression: apart in hue and in lightness, so that a colour-blind reader can tell most of them apart.</summary>
internal static class AnnotationPalette
{
    private const double Middle = 140;

    // Blue, green, red.
    private static readonly Scalar[] Colors =
    [
        new(66, 66, 232),
        new(76, 160, 62),
        new(206, 84, 150),
        new(44, 200, 255),
        new(224, 136, 56),
        new(44, 138, 252),
        new(206, 200, 192),
    ];

    public static Scalar Of(Expression expression) =>
        (int)expression >= 0 && (int)expression < Colors.Length ? Colors[(int)expression] : Colors[^1];

    /// <summary>Black or white, whichever can be read on the colour (BT.601 luma).</summary>
    public static Scalar InkOn(Scalar color) =>
        (0.114 * color.Val0) + (0.587 * color.Val1) + (0.299 * color.Val2) > Middle ? Scalar.All(16) : Scalar.All(255);
}
