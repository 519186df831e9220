using Akka.Actor;
using Akka.Hosting;
using FerActors.Shared.Messaging;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Results;

/// <summary>
/// Writes one structured event for each result: ids, version, expression, times. No image, no crop, no landmarks. The label and the
/// confidence are those of the largest face.
/// </summary>
public sealed class ResultLogActor : ReceiveActor
{
    /// <summary>The category of the events, by which they are found and kept off the console.</summary>
    public const string Category = "FerActors.Results";

    /// <param name="log">A logger of the category.</param>
    public ResultLogActor(ILogger log) => Receive<ResultMade>(made =>
    {
        var result = made.Result;
        var largest = result.Faces.Count > 0 ? result.Faces[0] : null;
        var times = result.TimingsMs;

        // Ids come from strangers.
        log.LogInformation(
            "Result {MessageId}: {Outcome}, {Faces} faces, {Label} {Confidence}, model {ModelVersion}, node {Node}; "
            + "decode {DecodeMs}, detect {DetectMs}, align {AlignMs}, queue {QueueMs}, infer {InferMs}, total {TotalMs} ms",
            UntrustedText.Shown(result.MessageId),
            result.Error?.Code ?? (largest is null ? "no_face" : "classified"),
            result.Faces.Count,
            largest?.DominantEmotion,
            largest?.Confidence,
            result.Model?.Version,
            result.Node,
            times.Decode,
            times.Detect,
            times.Align,
            times.Queue,
            times.Infer,
            times.Total);
    });

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(ResultMade));
}

public static class ResultLogHosting
{
    /// <summary>Adds the actor that logs results; needs <see cref="ILoggerFactory"/> among the services.</summary>
    public static AkkaConfigurationBuilder AddResultLog(this AkkaConfigurationBuilder builder) =>
        builder.WithActors((system, _, resolver) =>
        {
            var log = resolver.GetService<ILoggerFactory>().CreateLogger(ResultLogActor.Category);
            system.ActorOf(Props.Create(() => new ResultLogActor(log)), "result-log");
        });
}
