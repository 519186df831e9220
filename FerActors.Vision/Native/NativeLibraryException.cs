namespace FerActors.Vision.Native;

/// <summary>A native library that FerActors needs cannot be loaded. The message names the true cause and the remedy.</summary>
public sealed class NativeLibraryException : Exception
{
    public NativeLibraryException(string message)
        : base(message)
    {
    }

    public NativeLibraryException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
