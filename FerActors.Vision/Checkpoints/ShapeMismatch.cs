namespace FerActors.Vision.Checkpoints;

/// <summary>A parameter that has another shape in the file than in the network.</summary>
/// <param name="Name">The parameter's legacy name.</param>
/// <param name="Expected">Shape in the network.</param>
/// <param name="Actual">Shape in the file.</param>
public sealed record ShapeMismatch(string Name, IReadOnlyList<long> Expected, IReadOnlyList<long> Actual)
{
    public override string ToString() => $"{Name} is [{string.Join(",", Actual)}], not [{string.Join(",", Expected)}]";
}
