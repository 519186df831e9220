using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>The network's logits for a set of images, with the true labels. Column i belongs to the expression numbered i.</summary>
public sealed class Predictions
{
    private readonly float[] _logits;
    private readonly Expression[] _labels;
    private readonly byte[]? _votes;

    /// <param name="logits">n x 7 numbers, row by row, as a tensor of shape [n, 7] lies in memory. Copied.</param>
    /// <param name="labels">n labels. Copied.</param>
    /// <param name="votes">n x 7 counts of people's votes, zeros where an image has none; empty without votes. Copied.</param>
    /// <exception cref="ArgumentException">No rows, lengths that do not agree, a logit that is not finite, or an unknown label.</exception>
    public Predictions(ReadOnlySpan<float> logits, ReadOnlySpan<Expression> labels, ReadOnlySpan<byte> votes = default)
    {
        if (labels.IsEmpty)
        {
            throw new ArgumentException("There are no predictions.", nameof(labels));
        }

        if (logits.Length != (long)labels.Length * ExpressionNames.Count)
        {
            throw new ArgumentException($"{labels.Length} labels do not match {logits.Length} logits.", nameof(logits));
        }

        if (!votes.IsEmpty && votes.Length != logits.Length)
        {
            throw new ArgumentException($"{votes.Length} counts of votes do not match {logits.Length} logits.", nameof(votes));
        }

        for (var i = 0; i < logits.Length; i++)
        {
            if (!float.IsFinite(logits[i]))
            {
                throw new ArgumentException($"Row {i / ExpressionNames.Count} has the logit {logits[i]}.", nameof(logits));
            }
        }

        foreach (var label in labels)
        {
            if (!Enum.IsDefined(label))
            {
                throw new ArgumentException($"{(int)label} is not a label.", nameof(labels));
            }
        }

        _logits = logits.ToArray();
        _labels = labels.ToArray();
        _votes = votes.IsEmpty ? null : votes.ToArray();
    }

    /// <summary>Number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>Makes predictions of one array an image, 7 numbers each.</summary>
    /// <inheritdoc cref="Predictions(ReadOnlySpan{float}, ReadOnlySpan{Expression}, ReadOnlySpan{byte})"/>
    public static Predictions FromRows(IReadOnlyList<float[]> logits, IReadOnlyList<Expression> labels)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        var flat = new float[logits.Count * ExpressionNames.Count];
        for (var i = 0; i < logits.Count; i++)
        {
            if (logits[i].Length != ExpressionNames.Count)
            {
                throw new ArgumentException($"Row {i} has {logits[i].Length} logits instead of {ExpressionNames.Count}.", nameof(logits));
            }

            logits[i].CopyTo(flat, i * ExpressionNames.Count);
        }

        return new Predictions(flat, labels.ToArray());
    }

    /// <summary>The 7 logits of one image.</summary>
    public ReadOnlySpan<float> Logits(int index) => _logits.AsSpan(index * ExpressionNames.Count, ExpressionNames.Count);

    public Expression Label(int index) => _labels[index];

    /// <summary>Whether people's votes stand beside the labels.</summary>
    public bool HasVotes => _votes is not null;

    /// <summary>What people called the image: 7 counts in FER2013's order; empty where it has no usable votes.</summary>
    public ReadOnlySpan<byte> Votes(int index)
    {
        var votes = _votes is null ? [] : _votes.AsSpan(index * ExpressionNames.Count, ExpressionNames.Count);
        return votes.ContainsAnyExcept((byte)0) ? votes : [];
    }

    /// <summary>The same predictions with people's votes.</summary>
    /// <param name="votes">n x 7 counts in FER2013's order, zeros where an image has no usable ones. Copied.</param>
    /// <exception cref="ArgumentException">The length does not fit.</exception>
    public Predictions WithVotes(ReadOnlySpan<byte> votes) => new(_logits, _labels, votes);

    /// <summary>The images that have a majority of people's votes, with that class in place of the label; <see langword="null"/> where none has.</summary>
    public Predictions? ByMajority()
    {
        var images = new List<int>();
        var majorities = new List<Expression>();
        for (var i = 0; i < Count; i++)
        {
            if (Votes(i) is { IsEmpty: false } votes && FaceVotes.Majority(votes) is { } majority)
            {
                images.Add(i);
                majorities.Add(majority);
            }
        }

        if (images.Count == 0)
        {
            return null;
        }

        var chosen = Select([.. images]);
        return new Predictions(chosen._logits, [.. majorities], chosen._votes);
    }

    /// <summary>The images with these numbers, in this order; a number may come twice.</summary>
    public Predictions Select(ReadOnlySpan<int> indices)
    {
        var logits = new float[indices.Length * ExpressionNames.Count];
        var labels = new Expression[indices.Length];
        var votes = _votes is null ? null : new byte[logits.Length];
        for (var i = 0; i < indices.Length; i++)
        {
            Logits(indices[i]).CopyTo(logits.AsSpan(i * ExpressionNames.Count));
            labels[i] = Label(indices[i]);
            _votes?.AsSpan(indices[i] * ExpressionNames.Count, ExpressionNames.Count).CopyTo(votes.AsSpan(i * ExpressionNames.Count));
        }

        return new Predictions(logits, labels, votes);
    }

    /// <summary>The same predictions with each image's logits divided by its own temperature.</summary>
    public Predictions DividedBy(Func<int, double> temperature)
    {
        ArgumentNullException.ThrowIfNull(temperature);
        var logits = new float[_logits.Length];
        for (var i = 0; i < logits.Length; i++)
        {
            logits[i] = (float)(_logits[i] / temperature(i / ExpressionNames.Count));
        }

        return new Predictions(logits, _labels, _votes);
    }

    /// <summary>The mean logits of several looks at the same images.</summary>
    /// <exception cref="ArgumentException">No look, or looks at images with other labels.</exception>
    public static Predictions Average(IReadOnlyList<Predictions> looks)
    {
        ArgumentNullException.ThrowIfNull(looks);
        if (looks.Count == 0 || looks.Any(look => !look._labels.AsSpan().SequenceEqual(looks[0]._labels)))
        {
            throw new ArgumentException("Looks can be averaged where there is one and all are at the same images.", nameof(looks));
        }

        var logits = new float[looks[0]._logits.Length];
        for (var i = 0; i < logits.Length; i++)
        {
            logits[i] = (float)looks.Average(look => (double)look._logits[i]);
        }

        return new Predictions(logits, looks[0]._labels, looks[0]._votes);
    }
}
