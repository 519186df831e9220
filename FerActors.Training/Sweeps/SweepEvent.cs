using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace FerActors.Training.Sweeps;

/// <summary>What happened in a sweep: a line of <c>sweep.jsonl</c>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(Declared), "declared")]
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Reported), "reported")]
[JsonDerivedType(typeof(Ended), "ended")]
public abstract record SweepEvent
{
    /// <param name="Space">The declared space, <see cref="SweepSpace.Source"/>.</param>
    public sealed record Declared(string Space) : SweepEvent;

    /// <param name="Trial">From 0.</param>
    /// <param name="Values">The options that vary.</param>
    public sealed record Started(int Trial, JsonObject Values) : SweepEvent;

    /// <param name="Trial">Which.</param>
    /// <param name="Epoch">From 1.</param>
    /// <param name="Value">The sweep's metric after it.</param>
    public sealed record Reported(int Trial, int Epoch, double Value) : SweepEvent;

    /// <param name="Trial">Which.</param>
    /// <param name="Outcome">How.</param>
    /// <param name="Error">Why, where it failed.</param>
    public sealed record Ended(int Trial, TrialOutcome Outcome, string? Error) : SweepEvent;

    public string ToLine() => JsonSerializer.Serialize(this, SweepJsonContext.Default.SweepEvent) + "\n";

    /// <exception cref="JsonException">The line is no event.</exception>
    public static SweepEvent FromLine(string line) =>
        JsonSerializer.Deserialize(line, SweepJsonContext.Default.SweepEvent) ?? throw new JsonException("The line is null.");
}

/// <summary>How a trial stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TrialOutcome>))]
public enum TrialOutcome
{
    /// <summary>Begun; where the sweep is resumed, it goes on.</summary>
    Running,

    /// <summary>Ran to its end.</summary>
    Finished,

    /// <summary>Ended early by the stopping rule.</summary>
    Stopped,

    Failed,
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(SweepEvent))]
[JsonSerializable(typeof(IReadOnlyList<SweepTrial>))]
internal sealed partial class SweepJsonContext : JsonSerializerContext;
