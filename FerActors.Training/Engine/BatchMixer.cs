using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Engine;

/// <summary>Carries out a <see cref="MixPlan"/> on a batch: mixup (Zhang et al. 2018) or CutMix (Yun et al. 2019).</summary>
internal static class BatchMixer
{
    /// <summary>The mixed images; the same where the plan mixes nothing.</summary>
    /// <param name="plan">Who is mixed with whom, and how much.</param>
    /// <param name="pixels">Batch x side x side.</param>
    /// <param name="side">Side of the images in pixels.</param>
    public static float[] Pixels(MixPlan plan, float[] pixels, int side) => plan.Kind switch
    {
        MixKind.Mixup => Blend(plan, pixels, side * side),
        MixKind.CutMix => Paste(plan, pixels, side),
        _ => pixels,
    };

    /// <summary>The targets of the mixed images, each the same share of the other's as its picture; the same where the plan mixes nothing.</summary>
    /// <param name="plan">Who is mixed with whom, and how much.</param>
    /// <param name="targets">Batch x 7.</param>
    public static float[] Targets(MixPlan plan, float[] targets) =>
        plan.Kind is MixKind.Mixup or MixKind.CutMix ? Blend(plan, targets, ExpressionNames.Count) : targets;

    private static float[] Blend(MixPlan plan, float[] source, int width)
    {
        var blended = new float[source.Length];
        for (var i = 0; i < plan.Partners.Count; i++)
        {
            var own = source.AsSpan(i * width, width);
            var other = source.AsSpan(plan.Partners[i] * width, width);
            var result = blended.AsSpan(i * width, width);
            for (var k = 0; k < width; k++)
            {
                result[k] = (plan.Lambda * own[k]) + ((1 - plan.Lambda) * other[k]);
            }
        }

        return blended;
    }

    private static float[] Paste(MixPlan plan, float[] source, int side)
    {
        var pasted = (float[])source.Clone();
        for (var i = 0; i < plan.Partners.Count; i++)
        {
            for (var y = plan.Box.Top; y < plan.Box.Bottom; y++)
            {
                var from = (((plan.Partners[i] * side) + y) * side) + plan.Box.Left;
                var to = (((i * side) + y) * side) + plan.Box.Left;
                Array.Copy(source, from, pasted, to, plan.Box.Width);
            }
        }

        return pasted;
    }
}
