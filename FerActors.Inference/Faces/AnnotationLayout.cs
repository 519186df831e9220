using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>Finds free places for panels in a picture. Pure geometry.</summary>
internal sealed class AnnotationLayout(Size canvas, int step)
{
    private readonly List<Rect> _occupied = [];

    /// <summary>Nothing may be placed here.</summary>
    public void Occupy(Rect area) => _occupied.Add(area);

    /// <summary>The free place of a panel that is nearest to its face, which is occupied from then on.</summary>
    /// <param name="panel">Size of the panel.</param>
    /// <param name="index">Which face it belongs to.</param>
    /// <param name="faces">All faces of the picture.</param>
    /// <param name="farthest">A panel farther away than this would not be read as the face's own.</param>
    /// <returns><see langword="null"/> where there is no such place.</returns>
    public Rect? Place(Size panel, int index, IReadOnlyList<Rect> faces, int farthest)
    {
        var face = faces[index];
        Rect? best = null;
        var bestCost = double.MaxValue;
        foreach (var candidate in Candidates(panel, face))
        {
            var distance = Distance(candidate, face);
            if (distance < step || distance > farthest || !IsFree(candidate))
            {
                continue;
            }

            // Level with the face it reads like a caption; nearer to another face it would be taken for that one's.
            var cost = distance + (0.25 * Math.Abs(candidate.Top - face.Top));
            for (var i = 0; i < faces.Count; i++)
            {
                cost += i == index ? 0 : Math.Max(0, (4 * step) + distance - Distance(candidate, faces[i]));
            }

            if (cost < bestCost)
            {
                (best, bestCost) = (candidate, cost);
            }
        }

        if (best is { } place)
        {
            Occupy(place);
        }

        return best;
    }

    /// <summary>Length of the gap between two rectangles; 0 where they touch.</summary>
    public static double Distance(Rect a, Rect b)
    {
        var dx = Math.Max(0, Math.Max(b.Left - a.Right, a.Left - b.Right));
        var dy = Math.Max(0, Math.Max(b.Top - a.Bottom, a.Top - b.Bottom));
        return Math.Sqrt((dx * dx) + (dy * dy));
    }

    private IEnumerable<Rect> Candidates(Size panel, Rect face)
    {
        yield return new Rect(face.Right + step, face.Top, panel.Width, panel.Height);
        yield return new Rect(face.Left - step - panel.Width, face.Top, panel.Width, panel.Height);
        for (var y = step; y + panel.Height <= canvas.Height - step; y += step)
        {
            for (var x = step; x + panel.Width <= canvas.Width - step; x += step)
            {
                yield return new Rect(x, y, panel.Width, panel.Height);
            }
        }
    }

    private bool IsFree(Rect area)
    {
        var isInside = area.Left >= 0 && area.Top >= 0 && area.Right <= canvas.Width && area.Bottom <= canvas.Height;
        return isInside && _occupied.TrueForAll(other => !other.IntersectsWith(area));
    }
}
