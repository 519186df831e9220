using Akka.Actor;
using Akka.Event;

namespace FerActors.Host.Intake;

/// <summary>The broker has ended a consumer by itself.</summary>
internal sealed record ConsumerCancelled(long Session) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

/// <summary>A delivery arrived and could not be taken over; only the end of the session gives it back.</summary>
internal sealed record DeliveryUnreadable(long Session, string Reason) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

/// <summary>A consumer was cancelled as asked, and its last delivery has been handed over.</summary>
internal sealed record ConsumerEnded(long Session, string ConsumerTag) : INoSerializationVerificationNeeded, IDeadLetterSuppression;
