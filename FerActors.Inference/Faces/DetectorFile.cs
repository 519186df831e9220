namespace FerActors.Inference.Faces;

/// <summary>Checks a detector's file before native code parses it.</summary>
internal static class DetectorFile
{
    /// <exception cref="FaceDetectorException">There is no such file, or its size cannot be that of a detector.</exception>
    public static void Check(string path, string what, long minBytes, long maxBytes)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new FaceDetectorException($"The {what} '{path}' does not exist.");
        }

        if (file.Length < minBytes || file.Length > maxBytes)
        {
            throw new FaceDetectorException(
                $"The {what} '{path}' has {file.Length} bytes; it should have {minBytes} to {maxBytes}. A Git LFS pointer in its place is about 130 bytes.");
        }
    }
}
