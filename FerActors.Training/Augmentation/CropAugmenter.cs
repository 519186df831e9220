using FerActors.Training.Data;

namespace FerActors.Training.Augmentation;

/// <summary>
/// Turns a stored 48x48 crop into the values that a network learns from: varied, scaled to [0, 1], of any side.
/// Holds no state that changes, so one instance serves all threads.
/// </summary>
/// <remarks>
/// Flip, rotation, scale, shift and resize are one bilinear look-up (pixel centres at half, edges replicated), so the image
/// is resampled once. Outputs smaller than 48 are not filtered first. The normalisation by a checkpoint's mean and deviation
/// is left to the caller.
/// </remarks>
public sealed class CropAugmenter
{
    private const int Levels = 256;
    private const int MaxErasingTries = 10;
    private readonly AugmentationOptions _options;

    /// <param name="options">What is varied.</param>
    /// <param name="outputSide">Width and height of the output in pixels, 16 to 1024.</param>
    /// <exception cref="ArgumentException">An option or the side lies outside its range.</exception>
    public CropAugmenter(AugmentationOptions options, int outputSide = FerDataset.Side)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputSide, 16);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(outputSide, 1024);
        options.Validate();
        _options = options;
        OutputSide = outputSide;
    }

    /// <summary>Width and height of the output.</summary>
    public int OutputSide { get; }

    /// <summary>Values of an output: the side squared.</summary>
    public int OutputLength => OutputSide * OutputSide;

    /// <summary>Writes one varied image.</summary>
    /// <param name="source">48x48 grey levels, row by row.</param>
    /// <param name="destination">Takes <see cref="OutputLength"/> values in [0, 1], row by row.</param>
    /// <param name="random">The sample's own generator: see <see cref="SeededRandom.For"/>.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void Apply(ReadOnlySpan<byte> source, Span<float> destination, ref SeededRandom random)
    {
        RequireLengths(source, destination);
        var view = DrawView(ref random);
        Span<float> tone = stackalloc float[Levels];
        if (random.NextBoolean(_options.ToneProbability))
        {
            DrawTone(source, tone, ref random);
        }
        else
        {
            FillPlainTone(tone);
        }

        Warp(source, tone, destination, view);
        if (random.NextBoolean(_options.ErasingProbability))
        {
            Erase(destination, ref random);
        }
    }

    /// <summary>Writes one image as a view shows it, with nothing random: for evaluation.</summary>
    /// <param name="source">48x48 grey levels, row by row.</param>
    /// <param name="destination">Takes <see cref="OutputLength"/> values in [0, 1], row by row.</param>
    /// <param name="view"><see cref="CropView.Identity"/>, <see cref="CropView.Mirrored"/> or one of <see cref="CropView.TenCrop"/>.</param>
    /// <exception cref="ArgumentException">A span has another length, or the view's scale is not positive.</exception>
    public void Render(ReadOnlySpan<byte> source, Span<float> destination, CropView view)
    {
        RequireLengths(source, destination);
        if (!(view.Scale > 0) || !float.IsFinite(view.Scale + view.Rotation + view.ShiftX + view.ShiftY))
        {
            throw new ArgumentException("The scale has to be positive, and all numbers finite.", nameof(view));
        }

        Span<float> tone = stackalloc float[Levels];
        FillPlainTone(tone);
        Warp(source, tone, destination, view);
    }

    private void RequireLengths(ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (source.Length != FerDataset.PixelsPerImage)
        {
            throw new ArgumentException($"The source has {source.Length} pixels instead of {FerDataset.PixelsPerImage}.", nameof(source));
        }

        if (destination.Length != OutputLength)
        {
            throw new ArgumentException($"The destination has {destination.Length} values instead of {OutputLength}.", nameof(destination));
        }
    }

    private CropView DrawView(ref SeededRandom random)
    {
        var flip = random.NextBoolean(_options.FlipProbability);
        return random.NextBoolean(_options.WarpProbability)
            ? new CropView(
                flip,
                random.NextSingle(-_options.MaxRotation, _options.MaxRotation),
                _options.Scale.Draw(ref random),
                random.NextSingle(-_options.MaxShift, _options.MaxShift),
                random.NextSingle(-_options.MaxShift, _options.MaxShift))
            : CropView.Identity with { Flip = flip };
    }

    // Tone is a function of the grey level alone, so it costs 256 powers an image instead of one a pixel.
    private void DrawTone(ReadOnlySpan<byte> source, Span<float> tone, ref SeededRandom random)
    {
        var brightness = random.NextSingle(-_options.MaxBrightness, _options.MaxBrightness);
        var contrast = _options.Contrast.Draw(ref random);
        var gamma = _options.Gamma.Draw(ref random);
        var sum = 0;
        foreach (var level in source)
        {
            sum += level;
        }

        var mean = sum / (255f * source.Length);
        for (var level = 0; level < Levels; level++)
        {
            var value = (((level / 255f) - mean) * contrast) + mean + brightness;
            tone[level] = MathF.Pow(Math.Clamp(value, 0, 1), gamma);
        }
    }

    private static void FillPlainTone(Span<float> tone)
    {
        for (var level = 0; level < tone.Length; level++)
        {
            tone[level] = level / 255f;
        }
    }

    private void Warp(ReadOnlySpan<byte> source, ReadOnlySpan<float> tone, Span<float> destination, CropView view)
    {
        Span<float> values = stackalloc float[FerDataset.PixelsPerImage];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = tone[source[i]];
        }

        if (OutputSide == FerDataset.Side && view with { Flip = false } == CropView.Identity)
        {
            values.CopyTo(destination);
            if (view.Flip)
            {
                for (var y = 0; y < OutputSide; y++)
                {
                    destination.Slice(y * OutputSide, OutputSide).Reverse();
                }
            }

            return;
        }

        // The inverse map, from an output pixel to the source, both measured from their centres.
        const float LastPixel = FerDataset.Side - 1;
        var (sin, cos) = MathF.SinCos(view.Rotation * (MathF.PI / 180));
        var step = FerDataset.Side / (OutputSide * view.Scale);
        var mirror = view.Flip ? -1 : 1;
        var centre = (OutputSide - 1) / 2f;
        float xByX = step * cos * mirror, xByY = -step * sin * mirror;
        float yByX = step * sin, yByY = step * cos;
        for (var y = 0; y < OutputSide; y++)
        {
            var down = y - centre - (view.ShiftY * OutputSide);
            var row = destination.Slice(y * OutputSide, OutputSide);
            for (var x = 0; x < row.Length; x++)
            {
                var right = x - centre - (view.ShiftX * OutputSide);
                var sourceX = Math.Clamp((xByX * right) + (xByY * down) + (LastPixel / 2), 0, LastPixel);
                var sourceY = Math.Clamp((yByX * right) + (yByY * down) + (LastPixel / 2), 0, LastPixel);
                var left = Math.Min((int)sourceX, FerDataset.Side - 2);
                var top = Math.Min((int)sourceY, FerDataset.Side - 2);
                var alongX = sourceX - left;
                var alongY = sourceY - top;
                var at = (top * FerDataset.Side) + left;
                var upper = values[at] + ((values[at + 1] - values[at]) * alongX);
                var lower = values[at + FerDataset.Side] + ((values[at + FerDataset.Side + 1] - values[at + FerDataset.Side]) * alongX);
                row[x] = upper + ((lower - upper) * alongY);
            }
        }
    }

    private void Erase(Span<float> image, ref SeededRandom random)
    {
        for (var i = 0; i < MaxErasingTries; i++)
        {
            var area = _options.ErasingArea.Draw(ref random) * image.Length;
            var aspect = MathF.Exp(random.NextSingle(MathF.Log(_options.ErasingAspect.Low), MathF.Log(_options.ErasingAspect.High)));
            var height = (int)MathF.Round(MathF.Sqrt(area * aspect));
            var width = (int)MathF.Round(MathF.Sqrt(area / aspect));
            if (height > OutputSide || width > OutputSide || height == 0 || width == 0)
            {
                continue;
            }

            var top = random.NextInt32(OutputSide - height + 1);
            var left = random.NextInt32(OutputSide - width + 1);
            var mean = _options.ErasingFill == ErasingFill.Mean ? Mean(image) : 0;
            for (var y = top; y < top + height; y++)
            {
                var row = image.Slice((y * OutputSide) + left, width);
                if (_options.ErasingFill == ErasingFill.Mean)
                {
                    row.Fill(mean);
                    continue;
                }

                for (var x = 0; x < row.Length; x++)
                {
                    row[x] = random.NextSingle();
                }
            }

            return;
        }
    }

    private static float Mean(ReadOnlySpan<float> image)
    {
        var sum = 0f;
        foreach (var value in image)
        {
            sum += value;
        }

        return sum / image.Length;
    }
}
