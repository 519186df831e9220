namespace FerActors.Vision.Checkpoints;

/// <summary>Fits learned position embeddings to another number of patches, as a checkpoint for another image size needs.</summary>
/// <remarks>
/// What Hugging Face's ViT does with <c>torch.nn.functional.interpolate(mode="bicubic", align_corners=False)</c>, without
/// antialiasing: cubic convolution (Keys 1981, "Cubic convolution interpolation for digital image processing") with a = -0.75, half-pixel
/// centres, samples beyond the border repeating it. timm's own resizing antialiases, which differs where the grid shrinks.
/// </remarks>
public static class PositionEmbeddings
{
    /// <summary>Largest grid: that of 4096 pixels in patches of one pixel.</summary>
    public const int MaxGrid = 4096;

    private const int Taps = 4;
    private const double A = -0.75;

    /// <summary>Resizes the embeddings of a square grid; the class token's row is kept.</summary>
    /// <param name="positions">
    /// [1 + <paramref name="fromGrid"/>², <paramref name="dim"/>] in row-major order: the class token, then the patches row by row.
    /// </param>
    /// <param name="dim">Width of a token.</param>
    /// <param name="fromGrid">Patches along one side now; 1 to 4096.</param>
    /// <param name="toGrid">Patches along one side wanted; 1 to 4096.</param>
    /// <returns>[1 + <paramref name="toGrid"/>², <paramref name="dim"/>]; a copy where the grids are the same.</returns>
    /// <exception cref="ArgumentException">The lengths do not fit each other, or a size is out of its bounds.</exception>
    public static float[] Resize(float[] positions, int dim, int fromGrid, int toGrid)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dim);
        RequireGrid(fromGrid, nameof(fromGrid));
        RequireGrid(toGrid, nameof(toGrid));
        if (positions.Length != Length(fromGrid, dim))
        {
            throw new ArgumentException(
                $"A grid of {fromGrid}x{fromGrid} and a class token of {dim} values "
                + $"need {Length(fromGrid, dim)} values, not {positions.Length}.",
                nameof(positions));
        }

        if (Math.Max(Length(toGrid, dim), (long)fromGrid * toGrid * dim) > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(nameof(toGrid), toGrid, "The resized embeddings are longer than one array holds.");
        }

        if (fromGrid == toGrid)
        {
            return [.. positions];
        }

        // Separable: first along each row, then along the columns.
        var taps = MakeTaps(fromGrid, toGrid);
        var rows = new double[fromGrid * toGrid * dim];
        for (var y = 0; y < fromGrid; y++)
        {
            for (var x = 0; x < toGrid; x++)
            {
                var target = rows.AsSpan(((y * toGrid) + x) * dim, dim);
                foreach (var (index, weight) in taps[x])
                {
                    var source = positions.AsSpan((1 + (y * fromGrid) + index) * dim, dim);
                    for (var channel = 0; channel < dim; channel++)
                    {
                        target[channel] += weight * source[channel];
                    }
                }
            }
        }

        var result = new float[Length(toGrid, dim)];
        positions.AsSpan(0, dim).CopyTo(result);
        var sum = new double[dim];
        for (var y = 0; y < toGrid; y++)
        {
            for (var x = 0; x < toGrid; x++)
            {
                Array.Clear(sum);
                foreach (var (index, weight) in taps[y])
                {
                    var source = rows.AsSpan(((index * toGrid) + x) * dim, dim);
                    for (var channel = 0; channel < dim; channel++)
                    {
                        sum[channel] += weight * source[channel];
                    }
                }

                var target = result.AsSpan((1 + (y * toGrid) + x) * dim, dim);
                for (var channel = 0; channel < dim; channel++)
                {
                    target[channel] = (float)sum[channel];
                }
            }
        }

        return result;
    }

    private static (int Index, double Weight)[][] MakeTaps(int from, int to)
    {
        var scale = (double)from / to;
        var all = new (int, double)[to][];
        for (var i = 0; i < to; i++)
        {
            var centre = ((i + 0.5) * scale) - 0.5;
            var floor = (int)Math.Floor(centre);
            all[i] = new (int, double)[Taps];
            for (var tap = 0; tap < Taps; tap++)
            {
                var position = floor - 1 + tap;
                all[i][tap] = (Math.Clamp(position, 0, from - 1), Kernel(centre - position));
            }
        }

        return all;
    }

    private static double Kernel(double distance)
    {
        var x = Math.Abs(distance);
        return x switch
        {
            <= 1 => ((((A + 2) * x) - (A + 3)) * x * x) + 1,
            < 2 => ((((((x - 5) * x) + 8) * x) - 4) * A),
            _ => 0,
        };
    }

    private static long Length(int grid, int dim) => (((long)grid * grid) + 1) * dim;

    private static void RequireGrid(int grid, string parameter)
    {
        if (grid is < 1 or > MaxGrid)
        {
            throw new ArgumentOutOfRangeException(parameter, grid, $"A grid has 1 to {MaxGrid} patches along a side.");
        }
    }
}
