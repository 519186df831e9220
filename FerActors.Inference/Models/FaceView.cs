using FerActors.Shared.Options;

namespace FerActors.Inference.Models;

/// <summary>How a face is looked at: as it is, mirrored, moved. Evaluation looks in the same ways (<c>flip_shift</c> of <c>metrics.json</c>).</summary>
/// <param name="Right">48ths of the side by which the face goes to the right; negative to the left. What comes in repeats the edge.</param>
/// <param name="Down">Likewise, downwards.</param>
/// <param name="Mirrored">Left and right change places, after it was moved.</param>
internal readonly record struct FaceView(int Right, int Down, bool Mirrored)
{
    private const int Parts = 48;
    private const int By = 2;

    // Ten looks at these, or two looks at those, cost about a full batch of single looks.
    private const int FewFaces = 3;
    private const int SomeFaces = 16;

    /// <summary>What <c>auto</c> comes to for a batch.</summary>
    /// <param name="augmentation">As the options say it.</param>
    /// <param name="faces">Faces of the batch and those that wait behind it.</param>
    /// <returns>One of <c>plain</c>, <c>flip</c> and <c>flip_shift</c>.</returns>
    public static string Settle(string augmentation, int faces) => augmentation != ModelOptions.AutoViews
        ? augmentation
        : faces switch
        {
            <= FewFaces => ModelOptions.FlipShift,
            <= SomeFaces => ModelOptions.Flip,
            _ => ModelOptions.Plain,
        };

    /// <summary>The views of a kind of test-time augmentation, the face as it is first.</summary>
    /// <param name="augmentation">One of the names that <see cref="Settle"/> gives.</param>
    public static IReadOnlyList<FaceView> Of(string augmentation) => augmentation switch
    {
        ModelOptions.Flip => [default, new(0, 0, true)],
        ModelOptions.FlipShift =>
        [
            .. new[] { (0, 0), (-By, 0), (By, 0), (0, -By), (0, By) }.SelectMany(by => new FaceView[] { new(by.Item1, by.Item2, false), new(by.Item1, by.Item2, true) }),
        ],
        _ => [default],
    };

    /// <summary>Faces as this view shows them.</summary>
    /// <param name="planes">Any number of planes of side x side values.</param>
    /// <param name="side">Side in pixels.</param>
    public float[] Apply(float[] planes, int side)
    {
        var (right, down) = (Pixels(Right, side), Pixels(Down, side));
        var seen = new float[planes.Length];
        for (var plane = 0; plane < planes.Length; plane += side * side)
        {
            for (var y = 0; y < side; y++)
            {
                var source = planes.AsSpan(plane + (Math.Clamp(y - down, 0, side - 1) * side), side);
                var target = seen.AsSpan(plane + (y * side), side);
                for (var x = 0; x < side; x++)
                {
                    target[Mirrored ? side - 1 - x : x] = source[Math.Clamp(x - right, 0, side - 1)];
                }
            }
        }

        return seen;
    }

    private static int Pixels(int parts, int side) => (int)Math.Round(parts * side / (double)Parts, MidpointRounding.AwayFromZero);
}
