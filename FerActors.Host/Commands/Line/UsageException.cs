namespace FerActors.Host.Commands.Line;

/// <summary>The command line cannot be carried out as it was written; nothing was begun. The message says what to write instead.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Reads a word of the command line, or a file of options.</summary>
    /// <exception cref="UsageException">It has the wrong form, or the file cannot be read.</exception>
    public static T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }
}
