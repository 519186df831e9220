using System.Security.Cryptography;
using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>
/// Labelled 48x48 grey images in memory. Immutable, so any number of threads may read it. Subsets share the pixels of the
/// set that they come from: a split costs four bytes an image.
/// </summary>
public sealed class FerDataset
{
    /// <summary>Width and height of an image in pixels.</summary>
    public const int Side = 48;

    /// <summary>Pixels of an image, which are its bytes: row by row from the top, 0 black to 255 white.</summary>
    public const int PixelsPerImage = Side * Side;

    /// <summary>The most images that one array can hold.</summary>
    public static readonly int MaxCount = Array.MaxLength / PixelsPerImage;

    private readonly byte[] _pixels;
    private readonly byte[] _labels;
    private readonly byte[] _usages;
    private readonly int[]? _rows;
    private readonly byte[]? _votes;
    private readonly Lazy<int[]> _histogram;
    private readonly Lazy<string> _sha256;

    private FerDataset(byte[] pixels, byte[] labels, byte[] usages, int[]? rows, byte[]? votes = null)
    {
        _pixels = pixels;
        _labels = labels;
        _usages = usages;
        _rows = rows;
        _votes = votes;
        Count = rows?.Length ?? labels.Length;
        _histogram = new Lazy<int[]>(CountLabels);
        _sha256 = new Lazy<string>(Hash);
    }

    /// <summary>Number of images.</summary>
    public int Count { get; }

    /// <summary>Images of each class: 7 numbers, indexed by <see cref="Expression"/>.</summary>
    public IReadOnlyList<int> Histogram => _histogram.Value.AsReadOnly();

    /// <summary>
    /// Lower-case hex SHA-256 over the images in order, each as its 2,304 pixels followed by its label byte. The container
    /// (plain, gzip, zip) and the split names do not enter, so it names the data, not the file.
    /// </summary>
    public string Sha256 => _sha256.Value;

    /// <summary>Whether people's votes stand beside the labels; single images may lack usable ones even then.</summary>
    public bool HasVotes => _votes is not null;

    /// <summary>Makes a data set of arrays, which are copied.</summary>
    /// <param name="pixels">The images one after the other, 2,304 bytes each.</param>
    /// <param name="labels">One label an image.</param>
    /// <param name="usages">One split an image.</param>
    /// <exception cref="ArgumentException">The lengths do not agree, or a label or split is not one of the known.</exception>
    public static FerDataset FromArrays(
        ReadOnlySpan<byte> pixels, ReadOnlySpan<Expression> labels, ReadOnlySpan<FerUsage> usages)
    {
        if (labels.Length > MaxCount || pixels.Length != labels.Length * PixelsPerImage)
        {
            throw new ArgumentException($"{labels.Length} labels do not match {pixels.Length} pixels.", nameof(pixels));
        }

        if (usages.Length != labels.Length)
        {
            throw new ArgumentException($"{labels.Length} labels do not match {usages.Length} usages.", nameof(usages));
        }

        var labelBytes = new byte[labels.Length];
        var usageBytes = new byte[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            if (!Enum.IsDefined(labels[i]) || !Enum.IsDefined(usages[i]))
            {
                throw new ArgumentException($"Image {i} has the label {(int)labels[i]} and the usage {(int)usages[i]}.", nameof(labels));
            }

            labelBytes[i] = (byte)labels[i];
            usageBytes[i] = (byte)usages[i];
        }

        return Adopt(pixels.ToArray(), labelBytes, usageBytes);
    }

    /// <summary>The pixels of one image: 2,304 bytes, row by row.</summary>
    public ReadOnlySpan<byte> Pixels(int index) => new(_pixels, Row(index) * PixelsPerImage, PixelsPerImage);

    /// <summary>
    /// The image's number, from 0, in the set that was read, whatever subset this is. Of a CSV without blank lines its row is two
    /// more, since the header is row 1.
    /// </summary>
    public int SourceIndex(int index) => Row(index);

    public Expression Label(int index) => (Expression)_labels[Row(index)];

    /// <summary>What people called the image: 7 counts in FER2013's order; empty where it has no usable votes (see <see cref="FaceVotes"/>).</summary>
    public ReadOnlySpan<byte> Votes(int index)
    {
        var row = Row(index);
        var votes = _votes.AsSpan(_votes is null ? 0 : row * ExpressionNames.Count, _votes is null ? 0 : ExpressionNames.Count);
        return votes.ContainsAnyExcept((byte)0) ? votes : [];
    }

    /// <summary>The votes of all images in order, 7 counts each and zeros where an image has no usable ones; empty without votes.</summary>
    public byte[] AllVotes()
    {
        if (_votes is null)
        {
            return [];
        }

        var votes = new byte[Count * ExpressionNames.Count];
        for (var i = 0; i < Count; i++)
        {
            _votes.AsSpan(Row(i) * ExpressionNames.Count, ExpressionNames.Count).CopyTo(votes.AsSpan(i * ExpressionNames.Count));
        }

        return votes;
    }

    /// <summary>Number of images with usable votes.</summary>
    public int CountVoted()
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
        {
            count += Votes(i).IsEmpty ? 0 : 1;
        }

        return count;
    }

    /// <summary>
    /// Lower-case hex SHA-256 over the images' usable votes in order, 7 bytes each and zeros where an image has none; <see langword="null"/>
    /// where there are no votes.
    /// </summary>
    public string? VotesSha256() => HasVotes ? Convert.ToHexStringLower(SHA256.HashData(AllVotes())) : null;

    /// <summary>The same images with people's votes beside their labels; subsets of it share them.</summary>
    /// <param name="votes">7 counts an image in FER2013's order, in the order of the images; zeros where an image has no usable votes. Copied.</param>
    /// <exception cref="ArgumentException">The length does not fit.</exception>
    public FerDataset WithVotes(ReadOnlySpan<byte> votes)
    {
        if (votes.Length != Count * ExpressionNames.Count)
        {
            throw new ArgumentException($"{votes.Length} counts do not match {Count} images.", nameof(votes));
        }

        var rows = new byte[_labels.Length * ExpressionNames.Count];
        for (var i = 0; i < Count; i++)
        {
            votes.Slice(i * ExpressionNames.Count, ExpressionNames.Count).CopyTo(rows.AsSpan(Row(i) * ExpressionNames.Count));
        }

        return new FerDataset(_pixels, _labels, _usages, _rows, rows);
    }

    /// <summary>Other pictures in place of these, with the same labels, splits and votes.</summary>
    /// <param name="pixels">The images one after the other, 2,304 bytes each. Taken over.</param>
    internal FerDataset WithPixels(byte[] pixels)
    {
        var usages = new FerUsage[Count];
        for (var i = 0; i < usages.Length; i++)
        {
            usages[i] = Usage(i);
        }

        var changed = FromArrays(pixels, Labels(), usages);
        return HasVotes ? changed.WithVotes(AllVotes()) : changed;
    }

    public FerUsage Usage(int index) => (FerUsage)_usages[Row(index)];

    /// <summary>All labels, in order.</summary>
    public Expression[] Labels()
    {
        var labels = new Expression[Count];
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = Label(i);
        }

        return labels;
    }

    /// <summary>The images of one split, in order.</summary>
    public FerDataset Where(FerUsage usage) => Where(i => Usage(i) == usage);

    /// <summary>The images whose index the predicate accepts, in order.</summary>
    public FerDataset Where(Predicate<int> keep)
    {
        ArgumentNullException.ThrowIfNull(keep);
        var rows = new List<int>(Count);
        for (var i = 0; i < Count; i++)
        {
            if (keep(i))
            {
                rows.Add(Row(i));
            }
        }

        return new FerDataset(_pixels, _labels, _usages, [.. rows], _votes);
    }

    /// <summary>The images at these indices, in the order given; an index may occur more than once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the set.</exception>
    public FerDataset Select(ReadOnlySpan<int> indices)
    {
        var rows = new int[indices.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = Row(indices[i]);
        }

        return new FerDataset(_pixels, _labels, _usages, rows, _votes);
    }

    /// <summary>The same images in the same order, those at the indices in another split.</summary>
    internal FerDataset WithUsage(ReadOnlySpan<int> indices, FerUsage usage)
    {
        var usages = (byte[])_usages.Clone();
        foreach (var index in indices)
        {
            usages[Row(index)] = (byte)usage;
        }

        return new FerDataset(_pixels, _labels, usages, _rows, _votes);
    }

    /// <summary>Number of images in one split.</summary>
    public int CountOf(FerUsage usage)
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
        {
            count += Usage(i) == usage ? 1 : 0;
        }

        return count;
    }

    /// <summary>Takes the arrays over; nobody else may change them afterwards.</summary>
    internal static FerDataset Adopt(byte[] pixels, byte[] labels, byte[] usages) => new(pixels, labels, usages, null);

    private int Row(int index)
    {
        if ((uint)index >= (uint)Count)
        {
            throw new ArgumentOutOfRangeException(nameof(index), index, $"The data set has {Count} images.");
        }

        return _rows is null ? index : _rows[index];
    }

    private int[] CountLabels()
    {
        var counts = new int[ExpressionNames.Count];
        for (var i = 0; i < Count; i++)
        {
            counts[(int)Label(i)]++;
        }

        return counts;
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Count; i++)
        {
            hash.AppendData(Pixels(i));
            hash.AppendData([(byte)Label(i)]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
