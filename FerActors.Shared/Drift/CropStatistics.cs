namespace FerActors.Shared.Drift;

/// <summary>Statistics of a gray crop at 48x48, the size of the training data, so that crops of any model are comparable.</summary>
/// <param name="Brightness">Mean gray value, 0 to 255.</param>
/// <param name="Contrast">Standard deviation of the gray values.</param>
/// <param name="Sharpness">Variance of the Laplacian (Pech-Pacheco et al., 2000), four neighbours, without the outermost pixels.</param>
public readonly record struct CropStatistics(double Brightness, double Contrast, double Sharpness)
{
    /// <summary>Side to which larger crops are shrunk; smaller ones are measured as they are.</summary>
    public const int Side = 48;

    /// <summary>Measures a crop.</summary>
    /// <param name="gray">side x side gray values, row by row.</param>
    /// <param name="side">At least 3.</param>
    /// <exception cref="ArgumentException">The lengths do not agree.</exception>
    public static CropStatistics Measure(ReadOnlySpan<byte> gray, int side)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 3);
        if (gray.Length != (long)side * side)
        {
            throw new ArgumentException($"A crop of side {side} does not have {gray.Length} pixels.", nameof(gray));
        }

        var (pixels, length) = side > Side ? (Shrink(gray, side), Side) : (ToDouble(gray), side);
        var (mean, variance) = Moments(pixels);
        var laplacian = new double[(length - 2) * (length - 2)];
        for (var y = 1; y < length - 1; y++)
        {
            for (var x = 1; x < length - 1; x++)
            {
                var at = (y * length) + x;
                laplacian[((y - 1) * (length - 2)) + x - 1] =
                    pixels[at - 1] + pixels[at + 1] + pixels[at - length] + pixels[at + length] - (4 * pixels[at]);
            }
        }

        return new CropStatistics(mean, Math.Sqrt(variance), Moments(laplacian).Variance);
    }

    private static double[] ToDouble(ReadOnlySpan<byte> gray)
    {
        var pixels = new double[gray.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = gray[i];
        }

        return pixels;
    }

    // By area, one axis after the other: each target pixel is the mean of what it covers, shares of pixels at its edges included.
    private static double[] Shrink(ReadOnlySpan<byte> gray, int side)
    {
        var rows = new double[side * Side];
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var (first, last, head, tail) = Cover(x, side);
                var sum = (head * gray[(y * side) + first]) + (tail * gray[(y * side) + last]);
                for (var i = first + 1; i < last; i++)
                {
                    sum += gray[(y * side) + i];
                }

                rows[(y * Side) + x] = sum * Side / side;
            }
        }

        var pixels = new double[Side * Side];
        for (var y = 0; y < Side; y++)
        {
            var (first, last, head, tail) = Cover(y, side);
            for (var x = 0; x < Side; x++)
            {
                var sum = (head * rows[(first * Side) + x]) + (tail * rows[(last * Side) + x]);
                for (var i = first + 1; i < last; i++)
                {
                    sum += rows[(i * Side) + x];
                }

                pixels[(y * Side) + x] = sum * Side / side;
            }
        }

        return pixels;
    }

    // Source pixels first..last under a target pixel, and how much of the two at its ends it covers. All others are covered whole.
    private static (int First, int Last, double Head, double Tail) Cover(int target, int side)
    {
        var from = (double)target * side / Side;
        var to = (double)(target + 1) * side / Side;
        var first = (int)from;
        var last = Math.Min((int)to, side - 1);
        return (first, last, first + 1 - from, last + 1 <= to ? 1 : to - last);
    }

    private static (double Mean, double Variance) Moments(ReadOnlySpan<double> values)
    {
        var mean = 0.0;
        foreach (var value in values)
        {
            mean += value / values.Length;
        }

        var variance = 0.0;
        foreach (var value in values)
        {
            variance += (value - mean) * (value - mean) / values.Length;
        }

        return (mean, variance);
    }
}
