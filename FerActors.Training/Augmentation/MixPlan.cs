namespace FerActors.Training.Augmentation;

/// <summary>Which way a batch is mixed.</summary>
public enum MixKind
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>Weighted sum of two images.</summary>
    Mixup = 1,

    /// <summary>A rectangle of one image stands in the other.</summary>
    CutMix = 2,
}

/// <summary>A rectangle in pixels of the network's input. It may be empty.</summary>
public readonly record struct MixBox(int Left, int Top, int Width, int Height)
{
    public int Right => Left + Width;

    public int Bottom => Top + Height;
}

/// <summary>How one batch is mixed with itself.</summary>
/// <param name="Kind">Mixup, CutMix or neither.</param>
/// <param name="Lambda">
/// Share of the image's own label, 0 to 1; the partner's is 1 - lambda. With CutMix it is the share of the pixels kept, after
/// the box was cut at the border.
/// </param>
/// <param name="Partners">For each place of the batch the place of its partner: a permutation.</param>
/// <param name="Box">With CutMix the rectangle that the partner fills; empty otherwise.</param>
public sealed record MixPlan(MixKind Kind, float Lambda, IReadOnlyList<int> Partners, MixBox Box);
