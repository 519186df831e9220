namespace FerActors.Vision.Configuration;

/// <summary>What FerActors adds to config.json, under the key <c>fer_actors</c>. Other readers of the file pass it over.</summary>
/// <param name="Temperature">The logits are divided by it before the softmax (temperature scaling); finite and above 0.</param>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">Version of the model.</param>
/// <param name="CalibratedOn">
/// What a probability promises: <see cref="Votes"/>, that most people name the class; <see langword="null"/>, that it is the data's label.
/// </param>
public sealed record FerActorsSection(double Temperature = 1.0, string? Name = null, string? Version = null, string? CalibratedOn = null)
{
    /// <summary>The temperature was fitted on the class that most voters named.</summary>
    public const string Votes = "votes";

    public const int MaxTextLength = 200;
}
