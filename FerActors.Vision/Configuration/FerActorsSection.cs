namespace FerActors.Vision.Configuration;

/// <summary>What FerActors adds to config.json, under the key <c>fer_actors</c>. Other readers of the file pass it over.</summary>
/// <param name="Temperature">The logits are divided by it before the softmax (temperature scaling); finite and above 0.</param>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">Version of the model.</param>
public sealed record FerActorsSection(double Temperature = 1.0, string? Name = null, string? Version = null)
{
    public const int MaxTextLength = 200;
}
