using Akka.Actor;

namespace FerActors.Inference.Pipeline;

/// <summary>One image on its way through the pipeline.</summary>
internal sealed class ImageInFlight(ClassifyImage request, IActorRef asker)
{
    public ClassifyImage Request => request;

    /// <summary>Who gets the outcome.</summary>
    public IActorRef Asker => asker;

    /// <summary>The alignment worker that has, or had, the image; -1 before.</summary>
    public int Worker { get; set; } = -1;

    /// <summary>When a worker took it.</summary>
    public DateTimeOffset? Started { get; set; }

    public ImageAligned? Aligned { get; set; }
}
