using System.Collections.Immutable;

namespace FerActors.Host.Intake;

/// <summary>The state after an event, and what is to be done about it, in this order.</summary>
public sealed record IntakeStep(IntakeState State, ImmutableArray<IntakeEffect> Effects);
