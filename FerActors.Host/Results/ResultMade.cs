using Akka.Actor;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Results;

/// <summary>On the event stream: this node has a result for a delivery.</summary>
public sealed record ResultMade(ClassificationResult Result) : INoSerializationVerificationNeeded;
