using System.Collections.Immutable;

namespace FerActors.Host.Results;

/// <summary>The state after an event, and what is to be done about it, in this order.</summary>
public sealed record PublisherStep(PublisherState State, ImmutableArray<PublisherEffect> Effects);
