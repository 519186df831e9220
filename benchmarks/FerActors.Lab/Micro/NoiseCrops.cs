using FerActors.Inference.Models;

namespace FerActors.Lab.Micro;

/// <summary>Crops of noise: what a model computes does not depend on what it sees.</summary>
internal static class NoiseCrops
{
    public static FaceCrop[] Make(int count, int side, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var gray = new byte[side * side];
            random.NextBytes(gray);
            return new FaceCrop(gray);
        })];
    }
}
