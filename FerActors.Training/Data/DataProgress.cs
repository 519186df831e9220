namespace FerActors.Training.Data;

/// <summary>How far the reading of a data set has come.</summary>
/// <param name="Done">Units read: bytes of the (compressed) file, or files of a folder.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Images">Images read.</param>
public readonly record struct DataProgress(long Done, long Total, int Images)
{
    /// <summary>From 0 to 1.</summary>
    public double Fraction => Total <= 0 ? 1 : Math.Clamp((double)Done / Total, 0, 1);
}
