using Akka.Actor;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Brokers;

/// <summary>Stands for the pipeline: reports every image to a probe, and answers at once where it is told to.</summary>
public sealed class FakePipeline : ReceiveActor
{
    public const string Version = "2026-01";

    public FakePipeline(IActorRef probe, bool answers)
    {
        Receive<ClassifyImage>(image =>
        {
            probe.Forward(image);
            if (answers)
            {
                Sender.Tell(Answer(image));
            }
        });
    }

    public static ImageOutcome Answer(ClassifyImage image) => new(image.Key, new ClassificationResult
    {
        MessageId = image.MessageId,
        CorrelationId = image.CorrelationId,
        Node = "test",
        Model = new ModelIdentity("vit", Version, "00"),
    });
}
