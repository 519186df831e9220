namespace FerActors.Vision.Export;

/// <summary>
/// Gray crops drawn by a few formulas: a shaded oval with brows, eyes and a mouth in different moods, light from one side, and noise. They
/// fill the range of values and the places of a real crop, and need no photo of anybody.
/// </summary>
public static class DrawnFaces
{
    /// <summary>How many faces are drawn.</summary>
    public const int Count = 9;

    /// <summary>The same faces every time.</summary>
    /// <param name="side">Side of a crop in pixels.</param>
    /// <returns>Bytes, side x side, for each face.</returns>
    public static IReadOnlyList<byte[]> Of(int side)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        return [.. Enumerable.Range(0, Count).Select(face => Draw(face, side))];
    }

    private static byte[] Draw(int face, int side)
    {
        // Moods: from a smile to its opposite, from closed to open, from lowered to raised brows.
        var smile = ((face % 3) - 1) * 0.12;
        var open = 0.02 + (face / 3 * 0.035);
        var brows = ((face % 4) - 1.5) * 0.03;
        var light = ((face % 5) - 2) * 25.0;
        var random = new Random(face);
        var gray = new byte[side * side];
        for (var i = 0; i < gray.Length; i++)
        {
            // From -1 to 1 on both axes, the same picture at every size.
            var x = ((2 * ((i % side) + 0.5)) - side) / side;
            var y = ((2 * ((i / side) + 0.5)) - side) / side;
            var skin = Inside((x * x / 0.62) + (y * y / 0.95), 1);
            var shade = 60 + (skin * (110 + (light * x) - (30 * y)));
            var eyes = Math.Max(Spot(x - 0.38, y + 0.25, 0.14, 0.08), Spot(x + 0.38, y + 0.25, 0.14, 0.08));
            var lids = Math.Max(Spot(x - 0.38, y + 0.5 + brows + (brows * x), 0.22, 0.05), Spot(x + 0.38, y + 0.5 + brows - (brows * x), 0.22, 0.05));
            var nose = Spot(x, y - 0.08, 0.08, 0.2);
            var mouth = Spot(x, y - 0.5 + (smile * x * x * 6) - (smile / 2), 0.34, open + 0.04);
            gray[i] = (byte)Math.Clamp(shade - (90 * eyes) - (60 * lids) - (25 * nose) - (80 * mouth) + random.Next(-6, 7), 0, 255);
        }

        return gray;
    }

    private static double Spot(double x, double y, double width, double height) => Math.Exp(-((x * x / (width * width)) + (y * y / (height * height))));

    private static double Inside(double distance, double edge) => 1 / (1 + Math.Exp(12 * (distance - edge)));
}
