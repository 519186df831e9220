using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Batching;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Models;

/// <summary>Key of the model worker in the actor registry.</summary>
public sealed class ModelWorker;

/// <summary>Asks the model worker what it serves: answered by <see cref="ServingModel"/>.</summary>
public sealed record GetServingModel
{
    private GetServingModel()
    {
    }

    public static GetServingModel Instance { get; } = new();
}

/// <param name="Model">What it serves.</param>
/// <param name="InputSide">Side of the crops that it takes, in pixels.</param>
public sealed record ServingModel(ModelIdentity Model, int InputSide);

/// <summary>Owns the model and its thread: one forward pass at a time.</summary>
public sealed class ModelWorkerActor : ReceiveActor
{
    private readonly IExpressionModel _model;
    private readonly NativeThread _thread = new("fer-model");
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <param name="model">Loaded and warm. The actor owns it from here on.</param>
    public ModelWorkerActor(IExpressionModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        Receive<RunBatch>(Run);
        Receive<GetServingModel>(_ => Sender.Tell(new ServingModel(_model.Identity, _model.InputSide)));
    }

    protected override void PreStart() => _log.Info(
        "Serving {Model} version {ModelVersion} ({WeightsSha256})", _model.Identity.Name, _model.Identity.Version, _model.Identity.WeightsSha256);

    protected override void PostStop()
    {
        // The model goes after the pass that may be under way, on the same thread.
        _ = _thread.Run(() =>
        {
            _model.Dispose();
            return true;
        });
        _thread.Dispose();
    }

    private void Run(RunBatch batch)
    {
        var model = _model;
        _ = _thread.Run<object>(() =>
        {
            var watch = Stopwatch.StartNew();
            var predictions = Check(model.Predict(batch.Crops), batch.Crops.Count);
            return new BatchClassified(batch.Batch, predictions, model.Identity, watch.Elapsed.TotalMilliseconds);
        }).PipeTo(Sender, Self, failure: cause => new BatchFailed(batch.Batch, cause));
    }

    // What comes after relies on it: a model that breaks the contract fails its own batch and nothing else.
    private static IReadOnlyList<FacePrediction> Check(IReadOnlyList<FacePrediction> predictions, int crops)
    {
        if (predictions.Count != crops)
        {
            throw new ModelFailureException($"The model gave {predictions.Count} predictions for {crops} crops.");
        }

        return predictions.All(p => p.Probabilities.Length == ExpressionNames.Count && p.Probabilities.All(float.IsFinite))
            ? predictions
            : throw new ModelFailureException($"The model gave a prediction that is not {ExpressionNames.Count} finite probabilities.");
    }
}

public static class ModelWorkerHosting
{
    /// <summary>Adds the model worker.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="load">Loads and warms the model up; called once, at start, before the actor system takes messages.</param>
    public static AkkaConfigurationBuilder AddModelWorker(this AkkaConfigurationBuilder builder, Func<IExpressionModel> load) =>
        builder.WithActors((system, registry) =>
        {
            var model = load();
            registry.Register<ModelWorker>(system.ActorOf(Props.Create(() => new ModelWorkerActor(model)), "model-worker"));
        });
}
