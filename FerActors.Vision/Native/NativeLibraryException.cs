namespace FerActors.Vision.Native;

/// <summary>A native library cannot be used on this machine. The message names the true cause and what a person can do about it.</summary>
public sealed class NativeLibraryException : Exception
{
    /// <param name="library">The library that was wanted, for example <c>OpenCvSharpExtern</c>.</param>
    /// <param name="cause">Why it cannot be used: one sentence.</param>
    /// <param name="remedy">What to do about it: one sentence or command.</param>
    /// <param name="innerException">What the loader threw.</param>
    public NativeLibraryException(string library, string cause, string remedy, Exception? innerException = null)
        : base($"{library} cannot be used: {cause} {remedy}", innerException)
    {
        Library = library;
        Cause = cause;
        Remedy = remedy;
    }

    /// <summary>The library that was wanted.</summary>
    public string Library { get; }

    /// <summary>Why it cannot be used.</summary>
    public string Cause { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }
}
