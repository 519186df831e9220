using FerActors.Vision.Native;

namespace FerActors.Inference.Models;

/// <summary>Decides at load whether bf16 may and should be used: it must agree with fp32, and it must be faster here.</summary>
/// <remarks>
/// Whether bf16 pays depends on the processor (with AVX512-BF16 or AMX it is several times faster, without them slower), so it is
/// measured rather than looked up.
/// </remarks>
internal static class PrecisionTrial
{
    /// <summary>The better of two copies of one model.</summary>
    public static VitExpressionModel Choose(VitExpressionModel exact, VitExpressionModel half, double tolerance, int batch)
    {
        if (Difference(exact, half) > tolerance)
        {
            return exact;
        }

        // A processor that works bf16 out bit by bit takes some thirty times as long. Two faces show that without half a minute's wait.
        var probe = Probe(exact.InputSide, batch);
        var few = probe.Take(2).ToList();
        if (BestTime.Of(() => half.Predict(few), rounds: 1) > 3 * BestTime.Of(() => exact.Predict(few), rounds: 1))
        {
            return exact;
        }

        return BestTime.Of(() => half.Predict(probe)) < BestTime.Of(() => exact.Predict(probe)) ? half : exact;
    }

    /// <summary>The copy that computes otherwise, in bf16 or by another engine, where it agrees with libtorch in fp32.</summary>
    /// <exception cref="InvalidOperationException">It does not.</exception>
    public static VitExpressionModel RequireParity(VitExpressionModel exact, VitExpressionModel other, double tolerance)
    {
        var difference = Difference(exact, other);
        var (what, remedy) = other.ComputeType == exact.ComputeType ? ("With onnxruntime", "engine libtorch") : ("In bf16", "precision fp32");
        return difference <= tolerance
            ? other
            : throw new InvalidOperationException(
                $"{what} the model's probabilities differ from libtorch's in fp32 by up to {difference:0.000}, more than {tolerance:0.000}. Use {remedy}.");
    }

    /// <summary>Largest difference of any probability over the probe crops; infinite where the other gives no probabilities at all.</summary>
    public static double Difference(VitExpressionModel exact, VitExpressionModel other)
    {
        var probe = Probe(exact.InputSide, 8);
        var expected = exact.Predict(probe);
        try
        {
            return expected.Zip(other.Predict(probe), (e, h) => e.Probabilities.Zip(h.Probabilities, (a, b) => (double)Math.Abs(a - b)).Max()).Max();
        }
        catch (ModelFailureException)
        {
            return double.PositiveInfinity;
        }
    }

    /// <summary>Crops of smooth waves and of noise: the same ones every time, and unlike each other.</summary>
    public static IReadOnlyList<FaceCrop> Probe(int side, int count) => Enumerable.Range(0, count).Select(n =>
    {
        var gray = new byte[side * side];
        for (var i = 0; i < gray.Length; i++)
        {
            var (x, y) = (i % side / (double)side, i / side / (double)side);
            var wave = Math.Sin(2 * Math.PI * (((n % 3) + 1) * x)) * Math.Cos(2 * Math.PI * (((n % 4) + 1) * y));
            var noise = (uint)((i * 2654435761u) + (uint)n * 40503u) >> 24;
            gray[i] = (byte)Math.Clamp(128 + (80 * wave) + ((noise - 128.0) / 4), 0, 255);
        }

        return new FaceCrop(gray);
    }).ToList();
}
