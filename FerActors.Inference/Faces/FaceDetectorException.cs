namespace FerActors.Inference.Faces;

/// <summary>A detector cannot be made: its model file is missing, damaged or not the right one. The message names the file.</summary>
public sealed class FaceDetectorException(string message, Exception? innerException = null) : Exception(message, innerException);
