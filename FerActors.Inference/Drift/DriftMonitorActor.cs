using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Models;
using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;

namespace FerActors.Inference.Drift;

/// <summary>Key of the drift monitor in the actor registry.</summary>
public sealed class DriftMonitor;

/// <summary>Listens to what the pipeline answers and says so in the log when a signal's level changes. Keeps numbers, no pictures.</summary>
public sealed class DriftMonitorActor : ReceiveActor
{
    private readonly DriftReference? _reference;
    private readonly string? _problem;
    private readonly DriftState? _state;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _ignored;

    /// <param name="reference">The reference of the weights to watch; null where there is none.</param>
    /// <param name="problem">Why there is none.</param>
    /// <param name="options">Window and thresholds.</param>
    public DriftMonitorActor(DriftReference? reference, string? problem, DriftOptions options)
    {
        _reference = reference;
        _problem = problem;
        _state = reference is null ? null : new DriftState(reference, options);
        Receive<FacesAnswered>(Take);
        Receive<GetDriftStatus>(_ => Sender.Tell(Status()));
    }

    protected override void PreStart()
    {
        if (_reference is { } reference)
        {
            Context.System.EventStream.Subscribe<FacesAnswered>(Self);
            _log.Info(
                "Watching for drift of weights {WeightsSha256} from {Images} images of {Split}", reference.WeightsSha256, reference.Images, reference.Split);
        }
        else
        {
            _log.Warning("Drift is not watched: {Problem}", _problem);
        }
    }

    private void Take(FacesAnswered answer)
    {
        if (_state is null || answer.Model.WeightsSha256 != _reference!.WeightsSha256)
        {
            _ignored += answer.Faces.Count;
            return;
        }

        for (var i = 0; i < answer.Faces.Count; i++)
        {
            if (Sample(answer.Faces[i], answer.Predictions[i], answer.Aligned, _reference.Embedding) is not { } sample)
            {
                _ignored++;
                continue;
            }

            foreach (var change in _state.Observe(sample))
            {
                Tell(change, answer.Model.Version);
            }
        }
    }

    private void Tell(DriftLevelChanged change, string version)
    {
        const string Template = "Drift of {Signal}: {From} to {To} (PSI {Psi}, KS {Ks}) after {Samples} faces of version {ModelVersion}";
        object[] values = [change.Signal, change.From, change.To, Math.Round(change.Psi, 3), Math.Round(change.Ks ?? 0, 3), change.Samples, version];
        if (change.To > change.From)
        {
            _log.Warning(Template, values);
        }
        else
        {
            _log.Info(Template, values);
        }

        Context.System.EventStream.Publish(change);
    }

    private DriftStatus Status() => new(
        _state?.Level ?? DriftLevel.Ok, _reference?.WeightsSha256, _problem, _state?.Samples ?? 0, _ignored, _state?.Signals ?? []);

    private static DriftSample? Sample(AnsweredFace face, FacePrediction prediction, bool aligned, EmbeddingReference? usual)
    {
        var gray = face.Crop.Gray;
        var side = (int)Math.Sqrt(gray.Length);
        if (side < 3 || side * side != gray.Length || prediction.Probabilities.Length != ExpressionNames.Count)
        {
            return null;
        }

        var confidence = prediction.Probabilities.Max();
        return new DriftSample(
            CropStatistics.Measure(gray, side),
            (Expression)Array.IndexOf(prediction.Probabilities, confidence),
            confidence,
            aligned ? null : Math.Sqrt(face.Face.Box.Area),
            aligned ? null : face.Face.Score,
            prediction.Embedding is { } embedding ? usual?.Distance(embedding) : null);
    }
}

public static class DriftMonitorHosting
{
    /// <summary>Adds the drift monitor. A folder without a usable reference is no reason not to serve: the monitor says so and rests.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="options">Window and thresholds; where it is not enabled nothing is added.</param>
    /// <param name="modelFolder">Where the reference lies.</param>
    public static AkkaConfigurationBuilder AddDriftMonitor(this AkkaConfigurationBuilder builder, DriftOptions options, string modelFolder)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Enabled
            ? builder.WithActors((system, registry) =>
            {
                var (reference, problem) = Read(modelFolder);
                registry.Register<DriftMonitor>(
                    system.ActorOf(Props.Create(() => new DriftMonitorActor(reference, problem, options)), "drift-monitor"));
            })
            : builder;
    }

    private static (DriftReference? Reference, string? Problem) Read(string folder)
    {
        try
        {
            return DriftReference.Find(folder) is { } reference
                ? (reference, null)
                : (null, $"the model folder has no {DriftReference.FileName}; 'fer drift reference' makes one.");
        }
        catch (Exception problem) when (problem is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return (null, problem.Message);
        }
    }
}
