using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>Grows a data set of unknown length in blocks, so that no array is ever copied while it grows.</summary>
internal sealed class FerDatasetBuilder
{
    private const int BlockImages = 1024;
    private readonly List<byte[]> _blocks = [];
    private readonly List<byte> _labels = [];
    private readonly List<byte> _usages = [];

    public int Count => _labels.Count;

    public void Add(ReadOnlySpan<byte> pixels, Expression label, FerUsage usage)
    {
        var place = Count % BlockImages;
        if (place == 0)
        {
            _blocks.Add(GC.AllocateUninitializedArray<byte>(BlockImages * FerDataset.PixelsPerImage));
        }

        pixels.CopyTo(_blocks[^1].AsSpan(place * FerDataset.PixelsPerImage, FerDataset.PixelsPerImage));
        _labels.Add((byte)label);
        _usages.Add((byte)usage);
    }

    public FerDataset Build()
    {
        var pixels = GC.AllocateUninitializedArray<byte>(Count * FerDataset.PixelsPerImage);
        var written = 0;
        foreach (var block in _blocks)
        {
            var length = Math.Min(block.Length, pixels.Length - written);
            block.AsSpan(0, length).CopyTo(pixels.AsSpan(written));
            written += length;
        }

        return FerDataset.Adopt(pixels, [.. _labels], [.. _usages]);
    }
}
