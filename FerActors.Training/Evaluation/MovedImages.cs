using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>Data sets whose images are moved or mirrored; labels, votes and order stay.</summary>
internal static class MovedImages
{
    /// <summary>Every image, first moved and then mirrored.</summary>
    /// <param name="data">The images.</param>
    /// <param name="right">Pixels by which the content goes to the right; negative to the left. What comes in repeats the edge.</param>
    /// <param name="down">Likewise, downwards.</param>
    /// <param name="mirrored">Left and right change places.</param>
    public static FerDataset Of(FerDataset data, int right, int down, bool mirrored)
    {
        const int Side = FerDataset.Side;
        var pixels = GC.AllocateUninitializedArray<byte>(data.Count * FerDataset.PixelsPerImage);
        for (var image = 0; image < data.Count; image++)
        {
            var source = data.Pixels(image);
            var target = pixels.AsSpan(image * FerDataset.PixelsPerImage, FerDataset.PixelsPerImage);
            for (var y = 0; y < Side; y++)
            {
                var row = source.Slice(Math.Clamp(y - down, 0, Side - 1) * Side, Side);
                for (var x = 0; x < Side; x++)
                {
                    target[(y * Side) + (mirrored ? Side - 1 - x : x)] = row[Math.Clamp(x - right, 0, Side - 1)];
                }
            }
        }

        return data.WithPixels(pixels);
    }
}
