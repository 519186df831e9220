namespace FerActors.Training.Evaluation;

/// <summary>How often, and how, an image is looked at when it is judged: the logits of all looks are averaged.</summary>
public enum TestTimeView
{
    /// <summary>Once.</summary>
    Plain = 0,

    /// <summary>The image and its mirror image.</summary>
    Flip = 1,

    /// <summary>The image, and moved by <see cref="TestTimeViews.ShiftPixels"/> to the left, right, top and bottom.</summary>
    Shift = 2,

    /// <summary>The five of <see cref="Shift"/> and their mirror images.</summary>
    FlipShift = 3,
}

/// <summary>What the views are called and what they cost.</summary>
public static class TestTimeViews
{
    /// <summary>Pixels, of 48, by which a view is moved; the edge is repeated.</summary>
    public const int ShiftPixels = 2;

    public static IReadOnlyList<TestTimeView> All { get; } = Enum.GetValues<TestTimeView>();

    /// <summary>Forward passes for each image: the price, since everything else is cheap beside them.</summary>
    public static int Passes(this TestTimeView view) => view switch
    {
        TestTimeView.Flip => 2,
        TestTimeView.Shift => 5,
        TestTimeView.FlipShift => 10,
        _ => 1,
    };

    /// <summary>The name in reports.</summary>
    public static string Name(this TestTimeView view) => view switch
    {
        TestTimeView.Flip => "flip",
        TestTimeView.Shift => "shift",
        TestTimeView.FlipShift => "flip_shift",
        _ => "plain",
    };
}
