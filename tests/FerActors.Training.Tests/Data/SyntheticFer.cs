using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

/// <summary>Small made-up data in the forms of FER2013.</summary>
internal static class SyntheticFer
{
    public const string Header = "emotion,pixels,Usage";

    /// <summary>An image of noise, different for each number.</summary>
    public static byte[] Image(int number)
    {
        var random = new SeededRandom(7, 0, (ulong)number);
        var pixels = new byte[FerDataset.PixelsPerImage];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)random.NextInt32(256);
        }

        return pixels;
    }

    /// <summary>A smooth image, as faces are: a few soft blobs.</summary>
    public static byte[] SmoothImage(int number)
    {
        var random = new SeededRandom(8, 0, (ulong)number);
        var values = new double[FerDataset.PixelsPerImage];
        for (var blob = 0; blob < 12; blob++)
        {
            double centreX = random.NextInt32(48), centreY = random.NextInt32(48), size = 4 + random.NextInt32(8);
            var height = (random.NextDouble() * 160) - 80;
            for (var i = 0; i < values.Length; i++)
            {
                var dx = (i % 48) - centreX;
                var dy = (i / 48) - centreY;
                values[i] += height * Math.Exp(-((dx * dx) + (dy * dy)) / (2 * size * size));
            }
        }

        return [.. values.Select(value => (byte)Math.Clamp(value + 128, 0, 255))];
    }

    public static string Pixels(byte[] image) => string.Join(' ', image);

    public static string Row(int number, Expression label, FerUsage usage) =>
        $"{(int)label},{Pixels(Image(number))},{usage}";

    /// <summary>A CSV of rows whose labels and usages go round.</summary>
    public static byte[] Csv(int rows, string header = Header) => Encoding.UTF8.GetBytes(
        string.Join('\n', Enumerable.Range(0, rows).Select(i => Row(i, (Expression)(i % 7), (FerUsage)(i % 3))).Prepend(header)) + "\n");

    public static byte[] Gzip(byte[] content)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return target.ToArray();
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var target = new MemoryStream();
        using (var archive = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return target.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Content)[] entries)
    {
        using var target = new MemoryStream();
        using (var writer = new TarWriter(target, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }

        return target.ToArray();
    }

    public static FerDataset Read(byte[] file, FerDataOptions? options = null) =>
        FerCsvReader.Read(new MemoryStream(file), "test.csv", options);

    public static FerDataset Dataset(params (byte[] Pixels, Expression Label, FerUsage Usage)[] images) => FerDataset.FromArrays(
        images.SelectMany(image => image.Pixels).ToArray(),
        images.Select(image => image.Label).ToArray(),
        images.Select(image => image.Usage).ToArray());
}
