using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>In which type a run computes on the machine at hand.</summary>
/// <remarks>
/// Nothing but a trial tells: with AVX512-BF16 or AMX, bf16 takes half the time of fp32; a processor without them works it out bit by bit
/// and takes thirty times as long (3 images a second instead of 105 on an EPYC of the third generation), and a processor that has
/// them may compute wrongly (<see cref="ComputeTrial"/>).
/// </remarks>
/// <param name="Type">The type.</param>
/// <param name="Warning">A sentence for whoever started the run, or <see langword="null"/>.</param>
internal sealed record ComputeChoice(ScalarType Type, string? Warning)
{
    public const string Auto = "auto";
    public const string Bf16 = "bf16";
    public const string Fp32 = "fp32";

    // Enough for gradients that are more than noise.
    private const int Images = 32;

    // Enough to tell a factor of two, and bearable for a processor that takes a third of a second for an image.
    private const int TimedImages = 4;

    /// <summary>From how many times the time of fp32 on a run that insists on bf16 is told so.</summary>
    private const double Slow = 1.5;

    /// <summary>Gradients of some of a batch's images in a type, fp32 [n].</summary>
    public delegate Tensor GradientsOf(int images, ScalarType type);

    /// <summary>What can be asked for: the faster type whose gradients are right, bf16 or fp32.</summary>
    public static IReadOnlyList<string> Names { get; } = [Auto, Bf16, Fp32];

    public static ComputeChoice Exact { get; } = new(ScalarType.Float32, null);

    public string Name => Type == ScalarType.BFloat16 ? Bf16 : Fp32;

    /// <summary>Chooses by a trial.</summary>
    /// <param name="asked"><see cref="Auto"/> or <see cref="Bf16"/>.</param>
    /// <param name="parameters">The layout of the gradients.</param>
    /// <param name="batchSize">Images at hand.</param>
    /// <param name="gradients">Computes gradients.</param>
    /// <param name="clock">Times the trial.</param>
    /// <exception cref="InvalidOperationException">bf16 was asked for, and this machine computes it wrongly.</exception>
    public static ComputeChoice Make(string asked, FlatParameters parameters, int batchSize, GradientsOf gradients, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        var slowness = Time(ScalarType.BFloat16) / Time(ScalarType.Float32);
        if (asked == Auto && slowness >= 1)
        {
            return Exact;
        }

        var images = Math.Min(Images, batchSize);
        using var exact = gradients(images, ScalarType.Float32);
        using var half = gradients(images, ScalarType.BFloat16);
        var (worst, error) = ComputeTrial.Worst(parameters, exact, half);
        if (error <= ComputeTrial.Tolerance)
        {
            var warning = slowness < Slow
                ? null
                : $"bf16 takes {slowness:0.0} times the time of fp32 on this machine. Set compute to {Auto} for the faster of the two.";
            return new ComputeChoice(ScalarType.BFloat16, warning);
        }

        var fault = $"In bf16 this machine computes other gradients than in fp32: those of {worst} differ by {error:P0}.";
        return asked == Auto
            ? Exact with { Warning = $"{fault} The run computes in fp32." }
            : throw new InvalidOperationException($"{fault} Set compute to fp32.");

        // A device may still be at work when a call returns; a number is read only when it is there.
        TimeSpan Time(ScalarType type) => BestTime.Of(
            () =>
            {
                using var timed = gradients(Math.Min(TimedImages, batchSize), type);
                using var norm = timed.norm();
                _ = norm.item<float>();
            },
            rounds: 1,
            clock);
    }
}
