using System.Diagnostics.Metrics;
using FerActors.Shared.Protocol;

namespace FerActors.Shared.Telemetry;

/// <summary>
/// What is measured as it happens; what is only read now and then stands in the host's collector. Names follow OpenTelemetry's semantic
/// conventions where there are any, times are seconds, and no tag has more values than there are codes, stages and versions.
/// </summary>
public static class FerMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "FerActors";

    private static readonly Meter Meter = new(MeterName);

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    };

    private static readonly Counter<long> Images = Meter.CreateCounter<long>(
        "fer.images", "{image}", "Images answered, by outcome: classified, no_face or the code of the error, and by the version that answered.");

    private static readonly Counter<long> Faces = Meter.CreateCounter<long>("fer.faces", "{face}", "Faces classified, by expression and version.");

    private static readonly Histogram<double> Confidence = Meter.CreateHistogram(
        "fer.confidence", "1", "Calibrated probability of the expression that was named.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] });

    private static readonly Histogram<double> Stages = Meter.CreateHistogram(
        "fer.stage.duration", "s", "Time of an image in a stage: decode, detect, align, queue, infer, total.", advice: Seconds);

    private static readonly Histogram<int> BatchSizes = Meter.CreateHistogram(
        "fer.batch.size", "{face}", "Faces of one forward pass.",
        advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256] });

    private static readonly Histogram<double> BatchTimes = Meter.CreateHistogram(
        "fer.batch.duration", "s", "Time of one forward pass; the rate of its sum is the share of time that the device is busy.", advice: Seconds);

    private static readonly Histogram<double> Loads = Meter.CreateHistogram(
        "fer.model.load.duration", "s", "Time to verify, load and warm a version beside the one that serves.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] });

    private static readonly Gauge<double> TrainingProgress = Meter.CreateGauge<double>("fer.training.progress", "1", "Share of a run's steps that is done.");

    private static readonly Gauge<double> TrainingLoss = Meter.CreateGauge<double>("fer.training.loss", "{nat}", "Mean training loss of the epoch so far.");

    private static readonly Gauge<double> TrainingSpeed = Meter.CreateGauge<double>("fer.training.speed", "{image}/s", "Images trained a second.");

    private static readonly Gauge<double> TrainingAccuracy = Meter.CreateGauge<double>("fer.training.accuracy", "1", "On the validation images, after the last epoch.");

    private static readonly Histogram<double> Operations = Meter.CreateHistogram(
        "messaging.client.operation.duration", "s", "From the publication of an image by the API to its result, by outcome.", advice: Seconds);

    private static readonly Histogram<double> Processing = Meter.CreateHistogram(
        "messaging.process.duration", "s", "From the delivery of an image to its settlement.", advice: Seconds);

    private static readonly Counter<long> Feedback = Meter.CreateCounter<long>(
        "fer.feedback", "{message}", "Feedback messages by outcome: right and wrong (stored), repeated, dead_lettered; and by the version judged.");

    private static readonly Gauge<double> FeedbackAccuracy = Meter.CreateGauge<double>(
        "fer.feedback.accuracy", "1", "Accuracy in production: share of right answers among a version's last faces that feedback judged.");

    private static readonly Gauge<int> FeedbackFaces = Meter.CreateGauge<int>(
        "fer.feedback.judged", "{face}", "Faces over which the accuracy in production is taken.");

    private static readonly Counter<long> Retained = Meter.CreateCounter<long>(
        "fer.retention.images", "{image}", "Images of which retention, where it is on, made something: kept, dropped, failed, deleted.");

    /// <summary>An image was answered.</summary>
    public static void Answered(ClassificationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var version = new KeyValuePair<string, object?>("fer.model.version", result.Model?.Version ?? "");
        var outcome = result.Error?.Code ?? (result.Faces.Count > 0 ? "classified" : "no_face");
        Images.Add(1, new("fer.outcome", outcome), version);
        foreach (var face in result.Faces)
        {
            Faces.Add(1, new("fer.label", face.Label.ToString()), version);
            Confidence.Record(face.Confidence, version);
        }

        var times = result.TimingsMs;
        Stage("decode", times.Decode);
        Stage("detect", times.Detect);
        Stage("align", times.Align);
        Stage("infer", times.Infer);
        if (result.Error is null)
        {
            Stages.Record(times.Queue / 1000, new KeyValuePair<string, object?>("fer.stage", "queue"));
        }

        Stage("total", times.Total);
    }

    /// <summary>A forward pass has ended.</summary>
    /// <param name="faces">Its size.</param>
    /// <param name="milliseconds">Its time.</param>
    /// <param name="version">The version that answered.</param>
    public static void BatchEnded(int faces, double milliseconds, string version)
    {
        var tag = new KeyValuePair<string, object?>("fer.model.version", version);
        BatchSizes.Record(faces, tag);
        BatchTimes.Record(milliseconds / 1000, tag);
    }

    /// <summary>A version was loaded.</summary>
    public static void ModelLoaded(double milliseconds) => Loads.Record(milliseconds / 1000);

    /// <summary>A training run has moved on.</summary>
    public static void TrainingAdvanced(string run, long step, long steps, double loss, double imagesPerSecond)
    {
        var tag = new KeyValuePair<string, object?>("fer.training.run", run);
        TrainingProgress.Record(steps > 0 ? (double)step / steps : 0, tag);
        TrainingLoss.Record(loss, tag);
        TrainingSpeed.Record(imagesPerSecond, tag);
    }

    /// <summary>A training run has ended an epoch.</summary>
    public static void TrainingEvaluated(string run, double accuracy) =>
        TrainingAccuracy.Record(accuracy, new KeyValuePair<string, object?>("fer.training.run", run));

    /// <summary>The API has its answer to an image.</summary>
    /// <param name="seconds">From the request to the answer.</param>
    /// <param name="queue">Where it was published.</param>
    /// <param name="error">The code; absent where there is none.</param>
    public static void RequestEnded(double seconds, string queue, string? error) => Operations.Record(seconds, Tags("send", queue, error));

    /// <summary>A delivery is settled.</summary>
    public static void Processed(double seconds, string queue, string? error) => Processing.Record(seconds, Tags("process", queue, error));

    /// <summary>A feedback message has ended.</summary>
    /// <param name="outcome"><c>right</c>, <c>wrong</c>, <c>repeated</c> or <c>dead_lettered</c>.</param>
    /// <param name="version">The version judged; empty where none is known.</param>
    public static void FeedbackTaken(string outcome, string version) =>
        Feedback.Add(1, new("fer.outcome", outcome), new("fer.model.version", version));

    /// <summary>A version's accuracy in production has changed.</summary>
    public static void FeedbackJudged(string version, double accuracy, int judged)
    {
        var tag = new KeyValuePair<string, object?>("fer.model.version", version);
        FeedbackAccuracy.Record(accuracy, tag);
        FeedbackFaces.Record(judged, tag);
    }

    /// <summary>Retention has done something with images.</summary>
    /// <param name="outcome"><c>kept</c>, <c>dropped</c>, <c>failed</c> or <c>deleted</c>.</param>
    /// <param name="count">How many.</param>
    public static void ImageRetained(string outcome, int count = 1) => Retained.Add(count, new KeyValuePair<string, object?>("fer.outcome", outcome));

    // A stage that an image did not reach, or that was skipped, has taken no time at all.
    private static void Stage(string name, double milliseconds)
    {
        if (milliseconds > 0)
        {
            Stages.Record(milliseconds / 1000, new KeyValuePair<string, object?>("fer.stage", name));
        }
    }

    private static KeyValuePair<string, object?>[] Tags(string operation, string queue, string? error)
    {
        KeyValuePair<string, object?>[] tags =
        [
            new("messaging.system", "rabbitmq"),
            new("messaging.operation.name", operation),
            new("messaging.destination.name", queue),
        ];
        return error is null ? tags : [.. tags, new("error.type", error)];
    }
}
