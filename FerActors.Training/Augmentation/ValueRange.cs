namespace FerActors.Training.Augmentation;

/// <summary>A closed range to draw from.</summary>
public readonly record struct ValueRange(float Low, float High)
{
    /// <summary>A range of one value.</summary>
    public static ValueRange Just(float value) => new(value, value);

    internal bool IsWithin(float least, float most) =>
        float.IsFinite(Low) && float.IsFinite(High) && Low <= High && Low >= least && High <= most;

    internal float Draw(ref SeededRandom random) => random.NextSingle(Low, High);
}
