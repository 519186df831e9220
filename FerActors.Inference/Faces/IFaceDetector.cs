using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>
/// Finds faces. NOT thread-safe: give each worker one of its own. Two threads in one YuNet detector get wrong boxes and no exception.
/// </summary>
public interface IFaceDetector : IDisposable
{
    /// <summary>For logs and metrics: <c>yunet</c> or <c>haar</c>.</summary>
    string Name { get; }

    /// <summary>Finds the faces of a picture.</summary>
    /// <param name="bgr">8-bit BGR, not empty; it is not changed.</param>
    /// <returns>The faces, the largest box first; empty where there are none.</returns>
    /// <exception cref="ArgumentException">The picture is empty or not 8-bit BGR.</exception>
    FoundFaces Detect(Mat bgr);
}
