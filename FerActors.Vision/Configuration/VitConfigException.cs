namespace FerActors.Vision.Configuration;

/// <summary>A checkpoint's configuration cannot be used. All faults are told at once.</summary>
public sealed class VitConfigException : FormatException
{
    public VitConfigException()
        : this("The configuration cannot be used.")
    {
    }

    public VitConfigException(string message)
        : this(message, (Exception?)null)
    {
    }

    public VitConfigException(string message, Exception? innerException)
        : base(message, innerException) =>
        Errors = [message];

    /// <param name="source">The file or thing that is at fault, for example <c>config.json</c>.</param>
    /// <param name="errors">At least one sentence.</param>
    public VitConfigException(string source, IReadOnlyList<string> errors)
        : base($"{source}: {string.Join(" ", errors.Select(Printable))}") =>
        Errors = [.. errors.Select(Printable)];

    /// <summary>One sentence for each fault.</summary>
    public IReadOnlyList<string> Errors { get; }

    // Errors quote the file, and a file can quote control characters into a terminal or a log.
    private static string Printable(string error) =>
        error.Any(char.IsControl) ? string.Concat(error.Select(letter => char.IsControl(letter) ? '?' : letter)) : error;
}
