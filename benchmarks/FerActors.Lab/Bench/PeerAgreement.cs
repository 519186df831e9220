using FerActors.Inference.Faces;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Bench;

/// <summary>Whether a peer gives the node's answers. One that computes something else is no measure of the node's speed.</summary>
internal static class PeerAgreement
{
    private const double SameFace = 0.5;

    /// <summary>Compares two answers to one image.</summary>
    /// <param name="node">The node's.</param>
    /// <param name="peer">The peer's.</param>
    /// <param name="tolerance">Largest difference of a probability.</param>
    /// <returns>What differs, as the end of a sentence; absent where the two agree.</returns>
    public static string? Difference(ClassificationResult node, ClassificationResult peer, double tolerance)
    {
        if ((node.Error ?? peer.Error) is { } error)
        {
            return $"{(node.Error is null ? "the peer" : "the node")} answered {error.Code}";
        }

        if (node.Faces.Count != peer.Faces.Count)
        {
            return $"the node found {node.Faces.Count} faces, the peer {peer.Faces.Count}";
        }

        foreach (var face in node.Faces)
        {
            var twin = peer.Faces.MaxBy(other => other.Box.IntersectionOverUnion(face.Box))!;
            if (twin.Box.IntersectionOverUnion(face.Box) < SameFace)
            {
                return BenchReport.Format($"the peer has no face at ({face.Box.X:0}, {face.Box.Y:0})");
            }

            foreach (var emotion in face.Emotions)
            {
                var other = twin.Emotions.FirstOrDefault(e => e.Label == emotion.Label)?.Probability ?? double.NaN;
                if (!(Math.Abs(emotion.Probability - other) <= tolerance))
                {
                    return BenchReport.Format(
                        $"{emotion.Name} is {emotion.Probability:0.000} for the node and {other:0.000} for the peer, more than {tolerance:0.000} apart");
                }
            }
        }

        return null;
    }
}
