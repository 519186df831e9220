using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Trains one model, from scratch or from a checkpoint: resumable at any batch, repeatable from its options.</summary>
public sealed class Trainer
{
    // The teachers' answers beside the four vectors of a checkpoint.
    private const string Answers = "teachers";

    private readonly TrainingOptions _options;
    private readonly FerDataset _train;
    private readonly FerDataset _validation;
    private readonly TrainingSources _sources;
    private readonly InitialModel _initial;
    private readonly PreprocessorConfig _preprocessor;
    private readonly VitConfig _config;
    private readonly ComputeDevice _place;
    private readonly Device _device;

    /// <param name="options">The options.</param>
    /// <param name="train">Training images.</param>
    /// <param name="validation">Images that judge each epoch.</param>
    /// <param name="device">Where to compute; the CPU by default.</param>
    /// <param name="sources">The folders that the options refer to; by default their references are folders themselves.</param>
    /// <exception cref="ArgumentException">The options are not valid, or the data has no whole batch or no validation images.</exception>
    /// <exception cref="FormatException">The model folder to start from cannot be used.</exception>
    public Trainer(
        TrainingOptions options, FerDataset train, FerDataset validation, ComputeDevice? device = null, TrainingSources? sources = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        var errors = options.Validate();
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", errors), nameof(options));
        }

        if (train.Count < options.BatchSize)
        {
            throw new ArgumentException($"There are {train.Count} training images, less than one batch of {options.BatchSize}.", nameof(train));
        }

        if (validation.Count == 0)
        {
            throw new ArgumentException("There are no validation images.", nameof(validation));
        }

        if (LabelSource.NeedsVotes(options.Labels) && !train.HasVotes)
        {
            throw new ArgumentException($"labels is '{options.Labels}', but the training images have no votes.", nameof(train));
        }

        if (options.EarlyStopping.Metric == EarlyStoppingOptions.Agreement && !validation.HasVotes)
        {
            throw new ArgumentException("early_stopping.metric is 'agreement', but the validation images have no votes.", nameof(validation));
        }

        TorchRuntime.EnsureLoaded();
        _options = options;
        _train = train;
        _validation = validation;
        _place = device ?? ComputeDevice.Cpu;
        _device = _place.Torch;
        _sources = sources ?? new TrainingSources(options.InitFrom, options.Distillation.Teachers);
        _initial = new InitialModel(options, _sources.InitFolder);
        _config = _initial.Config;
        _preprocessor = _initial.Preprocessor;
        if (options.Freeze == Freezing.FirstLayers && options.FreezeLayers > _config.NumHiddenLayers)
        {
            throw new ArgumentException(
                $"freeze_layers is {options.FreezeLayers}, but the model has {_config.NumHiddenLayers} layers.", nameof(options));
        }

        if (options.Progressive.Misfit(_config.ImageSize, _config.PatchSize) is { } misfit)
        {
            throw new ArgumentException(misfit, nameof(options));
        }
    }

    /// <summary>Time between two reports of progress within an epoch.</summary>
    internal TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Trains no further: the run ends where its checkpoint stands, with the weights of the moving average as they are, before the learning
    /// rate has come down. For a run that took longer than there is time.
    /// </summary>
    public bool EndsHere { get; init; }

    /// <summary>Trains until the last epoch or until cancelled; a checkpoint is written in either case.</summary>
    /// <param name="folder">The run's folder. A checkpoint found there is continued.</param>
    /// <param name="checkpointEvery">Time between checkpoints within an epoch; one is written after each epoch anyhow.</param>
    /// <param name="progress">Told about once a second and after each epoch.</param>
    /// <param name="cancellation">Stops after the batch under way; the run can be continued.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the checkpoint has all work done so far.</exception>
    /// <exception cref="InvalidOperationException">
    /// The folder's checkpoint belongs to other options or other data, the loss is no longer finite, or a run that is to end here has no epoch.
    /// </exception>
    public Task<TrainedModel> RunAsync(
        string folder, TimeSpan checkpointEvery, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        // One thread from start to end: TorchSharp's scopes belong to a thread, and OpenMP keeps a team of workers for every thread
        // that ever called it. A loop that hops over the thread pool ends up with a dozen teams that spin against each other, and
        // runs ten times slower.
        Task.Factory.StartNew(
            () => Run(folder, checkpointEvery, progress, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private TrainedModel Run(string folder, TimeSpan checkpointEvery, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var threads = ComputeThreads.For(_options, _device);
        return threads.InParts(() =>
        {
            using var run = Prepare(folder, checkpointEvery, threads, progress, cancellation);
            try
            {
                while (!EndsHere && run.State.Epoch < _options.Epochs && !BestEpoch.ShouldStop(run.State.History, _options.EarlyStopping))
                {
                    Epoch(run);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                run.State = run.State with { Seconds = run.Clocks.Seconds };
                run.Save();
                throw;
            }

            return Finish(run);
        });
    }

    private TrainingRun Prepare(
        string folder, TimeSpan checkpointEvery, ComputeThreads threads, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        var owned = new OwnedParts();
        try
        {
            // The weights, and what moves them.
            var input = owned.Take(Input(_config.ImageSize));
            var stem = new StemMeasure(options => Feeder(options), _options, input, _device, cancellation);
            var (weights, initialSha256) = CreateParameters(stem);
            var parameters = owned.Take(weights);
            var parts = owned.Take(new BatchParts(parameters, threads.Parts, threads.Each));
            var optimizer = owned.Take(new AdamW(
                parameters, _options.WeightDecay, name => LayerRates.Factor(name, _config.NumHiddenLayers, _options.LayerDecay)));
            var average = owned.Take(parameters.Values.clone());

            // What they are moved by.
            var feeder = Feeder(_options);
            var classWeights = ClassWeighting.Weights(_options.ClassWeights, new TrainingTargets(_train, _options).Histogram, _options.ClassWeightsBeta);
            var criterion = owned.Take(new TrainingLoss(classWeights, _options.Distillation, _device));
            var compute = ChooseCompute(parameters, input, criterion, feeder, cancellation);
            var teachers = owned.Take(new TeacherEnsemble(_sources.TeacherFolders, _preprocessor, compute.Type, _device));
            var askedOnce = teachers.WeightsSha256.Count > 0 && _options.Distillation.View == DistillationOptions.Plain;
            var answers = owned.Take(zeros(askedOnce ? _train.Count * ExpressionNames.Count : 0));

            // Where the run stands.
            var vectors = new Dictionary<string, Tensor>
            {
                ["values"] = parameters.Values,
                ["first_moment"] = optimizer.FirstMoment,
                ["second_moment"] = optimizer.SecondMoment,
                ["average"] = average,
            };
            if (askedOnce)
            {
                vectors[Answers] = answers;
            }

            var checkpoint = new RunCheckpoint(folder);
            var isNew = !checkpoint.Exists;
            if (EndsHere && isNew)
            {
                throw new InvalidOperationException($"There is no run in {folder} to end.");
            }

            var (state, warning) = RunBeginning.Of(checkpoint, vectors, _options, _train.Sha256, Sources(initialSha256, teachers));
            state = state with
            {
                ComputeTypes = [.. (state.ComputeTypes ?? []).Union([compute.Name])],
                Devices = [.. (state.Devices ?? []).Union([_place.Name])],
            };
            var run = new TrainingRun(owned)
            {
                Epochs = _options.Epochs,
                Threads = threads,
                ComputeType = compute.Type,
                Parameters = parameters,
                Average = average,
                Optimizer = optimizer,
                Schedule = new LearningRateSchedule(
                    _options.LearningRate,
                    _options.FinalLearningRate,
                    (long)(_options.WarmupEpochs * feeder.BatchesPerEpoch),
                    (long)_options.Epochs * feeder.BatchesPerEpoch),
                Parts = parts,
                Criterion = criterion,
                Teachers = teachers,
                Stem = stem,
                Checkpoint = checkpoint,
                Vectors = vectors,
                Clocks = new RunClocks(state.Seconds, ReportEvery, checkpointEvery, _options.BatchSize),
                Progress = progress,
                Cancellation = cancellation,
                Feeder = feeder,
                State = state,
            };
            run.Warn(warning);
            run.Warn(compute.Warning);
            if (askedOnce)
            {
                AskOnce(run, answers, isNew);
            }

            return run;
        }
        catch
        {
            owned.Dispose();
            throw;
        }
    }

    private void Epoch(TrainingRun run)
    {
        using var input = Input(_options.Progressive.SideAt(run.State.Epoch, _options.Epochs, _config.ImageSize, _config.PatchSize));
        var loss = new BatchLoss(_options, _config.NumHiddenLayers, input, run.Teachers, run.Criterion, _device);
        foreach (var batch in run.Feeder.ReadEpoch(run.State.Epoch, run.State.Batch, run.Cancellation))
        {
            Step(run, loss, batch);
            if (run.Clocks.Step() is { } speed)
            {
                run.Report(run.Schedule.At(run.State.Step), speed);
            }

            if (run.Clocks.CheckpointIsDue)
            {
                run.Save();
            }
        }

        var trainingSpeed = run.Clocks.Speed;
        var record = Evaluate(run);
        var finished = run.State with
        {
            Epoch = run.State.Epoch + 1,
            Batch = 0,
            LossSum = 0,
            Seconds = run.Clocks.Seconds,
            History = [.. run.State.History, record],
        };
        run.Report(record.LearningRate, trainingSpeed, record);
        run.State = finished;

        // Before the checkpoint: after a crash between the two, the epoch is evaluated again and its weights written again.
        if (BestEpoch.Of(finished.History, _options.EarlyStopping) == record)
        {
            run.Checkpoint.SaveBest(finished, run.Average);
        }

        run.Save();

        // The time of the evaluation is not training time.
        run.Clocks.RestartReports();
    }

    private void Step(TrainingRun run, BatchLoss batchLoss, TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        var step = run.State.Step + 1;
        var (loss, gradients) = Gradients(run, batchLoss, batch, step);
        var norm = gradients.norm().item<float>();
        if (!float.IsFinite(loss) || !float.IsFinite(norm))
        {
            throw NotFinite(step);
        }

        using var noGrad = no_grad();
        if (norm > _options.ClipNorm)
        {
            gradients.Scale(_options.ClipNorm / norm);
        }

        run.Optimizer.Step(gradients, step, run.Schedule.At(step));

        // Early on the average follows the weights closely; with a fixed decay it would carry the random start along.
        var decay = Math.Min(_options.EmaDecay, (1.0 + step) / (10.0 + step));
        run.Average.lerp_(run.Parameters.Values, 1 - decay);
        run.State = run.State with
        {
            Batch = batch.Index + 1,
            Step = step,
            LossSum = run.State.LossSum + loss,
            Seconds = run.Clocks.Seconds,
        };
    }

    private EpochRecord Evaluate(TrainingRun run)
    {
        var state = run.State;
        var predictions = run.Threads.Together(() =>
        {
            using var model = run.Finished(state.Epoch + 1);
            return Predict(model, run.ComputeType, state.Step);
        });
        var metrics = ClassificationMetrics.Compute(predictions);
        return new EpochRecord(
            state.Epoch + 1,
            state.Step,
            state.LossSum / Math.Max(1, state.Batch),
            run.Schedule.At(state.Step),
            metrics.Accuracy,
            metrics.MacroF1,
            metrics.Nll,
            run.Clocks.Seconds)
        {
            Agreement = predictions.ByMajority() is { } majority ? ClassificationMetrics.Compute(majority).Accuracy : null,
        };
    }

    private TrainedModel Finish(TrainingRun run)
    {
        if (EndsHere && run.State.Epoch == 0)
        {
            throw new InvalidOperationException("The run has not ended its first epoch; its weights are not worth having.");
        }

        var (epoch, lost) = _options.EndsWithBest
            ? BestWeights.Restore(run.Checkpoint, run.State, _options.EarlyStopping, run.Average)
            : (run.State.Epoch, null);
        run.Warn(lost);
        return new TrainedModel(run.Threads.Together(() => run.Finished(epoch)), _preprocessor, _options, run.State) { Epoch = epoch };
    }

    private ModelInput Input(int side) => new(_preprocessor.ChannelTransforms()[0], _preprocessor, side, _device);

    private BatchFeeder Feeder(TrainingOptions options, float[]? teachers = null) =>
        new(_train, options, FerDataset.Side, new GrayNormalisation(_preprocessor), teachers);

    // A method of its own, so that nothing but the vector and the frozen weights outlives it.
    private (FlatParameters Parameters, string? InitialSha256) CreateParameters(StemMeasure stem)
    {
        var (model, sha256) = _initial.Load();
        using var initial = model;
        using var onDevice = _device.type == TorchSharp.DeviceType.CPU ? null : initial.To(ScalarType.Float32, _device);
        using var unfolded = stem.Unfolded(onDevice ?? initial);
        return (new FlatParameters(unfolded ?? onDevice ?? initial, name => Freezing.IsFrozen(_options, name, _config.NumHiddenLayers)), sha256);
    }

    // On part of the first batch, whatever the run's state is: a run may be continued on another machine. The teachers are left out:
    // they have no gradients, and wait for the answer themselves.
    private ComputeChoice ChooseCompute(
        FlatParameters parameters, ModelInput input, TrainingLoss criterion, BatchFeeder feeder, CancellationToken cancellation)
    {
        if (_options.Compute == ComputeChoice.Fp32)
        {
            return ComputeChoice.Exact;
        }

        var loss = new BatchLoss(_options, _config.NumHiddenLayers, input, null, criterion, _device);
        var batch = feeder.ReadEpoch(0, 0, cancellation).First();
        return ComputeChoice.Make(_options.Compute, parameters, _options.BatchSize, (images, type) =>
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            loss.Of(parameters.Model, batch, 0, images, 1, type).backward();
            return parameters.TakeGradients().MoveToOuterDisposeScope();
        });
    }

    // The votes count only where the run learns from them.
    private List<string> Sources(string? initialSha256, TeacherEnsemble teachers)
    {
        List<string> sources = [initialSha256 ?? "", .. teachers.WeightsSha256];
        if (LabelSource.NeedsVotes(_options.Labels))
        {
            sources.Add(_train.VotesSha256()!);
        }

        return sources;
    }

    // A continued run has the answers in its checkpoint.
    private void AskOnce(TrainingRun run, Tensor answers, bool isNew)
    {
        if (isNew)
        {
            var tenths = 0;
            void Answered(int images)
            {
                if (10 * images / _train.Count > tenths)
                {
                    tenths = 10 * images / _train.Count;
                    run.Warn($"The teachers have answered to {images} of {_train.Count} images.");
                }
            }

            using var asked = tensor(run.Threads.Together(() => run.Teachers.Answers(_train, _options.Distillation.Temperature, Answered, run.Cancellation)));
            answers.copy_(asked);
        }

        run.Feeder = Feeder(_options, [.. answers.data<float>()]);
    }

    private (float Loss, Tensor Gradients) Gradients(TrainingRun run, BatchLoss loss, TrainingBatch batch, long step)
    {
        var images = _options.BatchSize / _options.Accumulate;
        var (value, gradients) = run.Parts.Run(images, (model, start, count) => loss.Of(model, batch, start, count, step, run.ComputeType));
        for (var first = images; first < _options.BatchSize; first += images)
        {
            var offset = first;
            var (further, more) = run.Parts.Run(images, (model, start, count) => loss.Of(model, batch, offset + start, count, step, run.ComputeType));
            value += further;
            using var noTracking = no_grad();
            gradients.Add(more);
        }

        return (value, gradients);
    }

    private Predictions Predict(Vit model, ScalarType computeType, long step)
    {
        try
        {
            return ModelEvaluation.Predict(model, _preprocessor, _validation, flip: false, computeType);
        }
        catch (ArgumentException e)
        {
            // The last step of an epoch can spoil the weights although its own loss was finite.
            throw NotFinite(step, e);
        }
    }

    private static InvalidOperationException NotFinite(long step, Exception? inner = null) =>
        new($"The loss is no longer finite at step {step}. Lower the learning rate, or compute in fp32.", inner);
}
