using System.Text;

namespace FerActors.Training.Data;

/// <summary>A data set cannot be used. Names every fault found up to a bound, and how many there are in all.</summary>
public sealed class FerDataException : Exception
{
    public FerDataException(string source, string error, Exception? inner = null)
        : this(source, [error], 1, inner)
    {
    }

    /// <param name="source">The file or folder.</param>
    /// <param name="errors">The first faults, each with its place: <c>row 17: ...</c> or <c>train/happy/1.png: ...</c>.</param>
    /// <param name="totalErrors">How many faults there are, those not listed included.</param>
    /// <param name="inner">What the platform said, where it said something.</param>
    public FerDataException(string source, IReadOnlyList<string> errors, long totalErrors, Exception? inner = null)
        : base(Describe(source, errors, totalErrors), inner)
    {
        DataSource = source;
        Errors = [.. errors];
        TotalErrors = totalErrors;
    }

    /// <summary>The file or folder that the data came from.</summary>
    public string DataSource { get; }

    /// <summary>The first faults, in the order of the data.</summary>
    public IReadOnlyList<string> Errors { get; }

    /// <summary>How many faults there are; at least as many as <see cref="Errors"/> lists.</summary>
    public long TotalErrors { get; }

    private static string Describe(string source, IReadOnlyList<string> errors, long totalErrors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        ArgumentOutOfRangeException.ThrowIfLessThan(totalErrors, errors.Count);
        var text = new StringBuilder(source).Append(": ");
        if (totalErrors == 1 && errors.Count == 1)
        {
            return text.Append(errors[0]).ToString();
        }

        text.Append(totalErrors).Append(" errors");
        foreach (var error in errors)
        {
            text.Append("\n  ").Append(error);
        }

        if (totalErrors > errors.Count)
        {
            text.Append("\n  and ").Append(totalErrors - errors.Count).Append(" more");
        }

        return text.ToString();
    }
}
