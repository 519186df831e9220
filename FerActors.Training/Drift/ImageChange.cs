using System.Globalization;
using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Drift;

/// <summary>A made change of the world: of each picture, or of which expressions come.</summary>
/// <param name="Name">As it was asked for.</param>
/// <param name="Pixels">Changes the 48x48 pixels of an image; null where it leaves them.</param>
/// <param name="Labels">The expressions that still come; null where all do.</param>
public sealed record ImageChange(string Name, Func<byte[], byte[]>? Pixels, IReadOnlyList<Expression>? Labels)
{
    private const double MaxSigma = 10;

    /// <summary>The changes by which the thresholds were chosen.</summary>
    public static IReadOnlyList<string> Usual { get; } = ["brightness=-0.4", "blur=1.5", "mix=happy,angry"];

    /// <summary>Reads <c>brightness=-0.4</c> (gray values times 1 - 0.4), <c>blur=1.5</c> (Gaussian, sigma in pixels) or <c>mix=happy,angry</c>.</summary>
    /// <exception cref="FormatException">It is none of these; the message says what is wanted.</exception>
    public static ImageChange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var value = text[(equals + 1)..];
        switch (equals < 0 ? "" : text[..equals])
        {
            case "brightness" when Number(value) is { } part and >= -1 and <= 10:
                return new ImageChange(text, pixels => Scale(pixels, 1 + part), null);
            case "blur" when Number(value) is { } sigma and > 0 and <= MaxSigma:
                return new ImageChange(text, pixels => Blur(pixels, sigma), null);
            case "mix":
                var labels = value.Split(',').Select(name => ExpressionNames.TryParse(name, out var label) ? label : (Expression?)null).ToList();
                if (labels.TrueForAll(label => label is not null))
                {
                    return new ImageChange(text, null, [.. labels.Select(label => label!.Value).Distinct()]);
                }

                break;
            default:
                break;
        }

        throw new FormatException(
            $"The change '{ErrorCollector.Excerpt(text)}' is none of brightness=-1..10, blur=0..{MaxSigma} and mix=<expression>,<expression>...");
    }

    /// <summary>The images as they look after the change: those that still come, changed.</summary>
    public FerDataset Apply(FerDataset images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var coming = images.Where(i => Labels?.Contains(images.Label(i)) ?? true);
        if (Pixels is not { } change)
        {
            return coming;
        }

        var numbers = Enumerable.Range(0, coming.Count).ToList();
        return FerDataset.FromArrays(
            numbers.SelectMany(i => change(coming.Pixels(i).ToArray())).ToArray(), coming.Labels(), numbers.Select(coming.Usage).ToArray());
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static byte[] Scale(byte[] pixels, double factor) => [.. pixels.Select(pixel => Round(pixel * factor))];

    // Separable; beyond the edge the edge is repeated.
    private static byte[] Blur(byte[] pixels, double sigma)
    {
        const int Side = FerDataset.Side;
        var radius = (int)Math.Ceiling(3 * sigma);
        var kernel = Enumerable.Range(-radius, (2 * radius) + 1).Select(i => Math.Exp(-i * i / (2 * sigma * sigma))).ToArray();
        var total = kernel.Sum();
        var across = new double[pixels.Length];
        var blurred = new byte[pixels.Length];
        for (var at = 0; at < pixels.Length; at++)
        {
            for (var i = -radius; i <= radius; i++)
            {
                across[at] += kernel[i + radius] / total * pixels[(at / Side * Side) + Math.Clamp((at % Side) + i, 0, Side - 1)];
            }
        }

        for (var at = 0; at < pixels.Length; at++)
        {
            var sum = 0.0;
            for (var i = -radius; i <= radius; i++)
            {
                sum += kernel[i + radius] / total * across[(Math.Clamp((at / Side) + i, 0, Side - 1) * Side) + (at % Side)];
            }

            blurred[at] = Round(sum);
        }

        return blurred;
    }

    private static byte Round(double level) => (byte)Math.Clamp(Math.Round(level), 0, 255);
}
