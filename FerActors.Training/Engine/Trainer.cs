using System.Diagnostics;
using System.Text.Json;
using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Trains one model, from scratch or from a checkpoint: resumable at any batch, repeatable from its options.</summary>
public sealed class Trainer
{
    // Each has some hundred thousand places to average over; more batches change the fourth digit.
    private const int StatisticsBatches = 16;

    // The teachers' answers beside the four vectors of a checkpoint.
    private const string Answers = "teachers";

    private readonly TrainingOptions _options;
    private readonly FerDataset _train;
    private readonly FerDataset _validation;
    private readonly TrainingSources _sources;
    private readonly InitialModel _initial;
    private readonly PreprocessorConfig _preprocessor;
    private readonly VitConfig _config;
    private readonly Device _device;
    private ScalarType _computeType = ScalarType.Float32;
    private int _threads = 1;

    /// <param name="options">The options.</param>
    /// <param name="train">Training images.</param>
    /// <param name="validation">Images that judge each epoch.</param>
    /// <param name="device">Where to compute; the CPU by default.</param>
    /// <param name="sources">The folders that the options refer to; by default their references are folders themselves.</param>
    /// <exception cref="ArgumentException">The options are not valid, or the data has no whole batch or no validation images.</exception>
    /// <exception cref="FormatException">The model folder to start from cannot be used.</exception>
    public Trainer(
        TrainingOptions options, FerDataset train, FerDataset validation, Device? device = null, TrainingSources? sources = null)
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
        _device = device ?? CPU;
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
        var threads = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        var (partCount, threadsEach) = _device.type == TorchSharp.DeviceType.CPU ? BatchParts.Plan(threads, _options.BatchSize / _options.Accumulate) : (1, threads);
        _threads = threads;
        return OnThreads(threadsEach, () => Run(folder, checkpointEvery, progress, partCount, threadsEach, cancellation));
    }

    // Outside the steps there are no parts, and one thread alone would leave the other cores idle.
    private T OnAllThreads<T>(Func<T> work) => OnThreads(_threads, work);

    private static T OnThreads<T>(int threads, Func<T> work)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            return work();
        }
        finally
        {
            // The setting is the process's, and others may compute in it.
            set_num_threads(before);
        }
    }

    private BatchFeeder Feeder(TrainingOptions options, float[]? teachers = null) =>
        new(_train, options, FerDataset.Side, new GrayNormalisation(_preprocessor), teachers);

    private TrainedModel Run(
        string folder, TimeSpan checkpointEvery, IProgress<TrainingProgress>? progress, int partCount, int threadsEach, CancellationToken cancellation)
    {
        var basis = _preprocessor.ChannelTransforms()[0];
        using var input = new ModelInput(basis, _preprocessor, _config.ImageSize, _device);
        var (parameters, initialSha256) = CreateParameters(input, cancellation);
        using var ownParameters = parameters;
        using var parts = new BatchParts(parameters, partCount, threadsEach);
        using var optimizer = new AdamW(
            parameters, _options.WeightDecay, name => LayerRates.Factor(name, _config.NumHiddenLayers, _options.LayerDecay));
        using var average = parameters.Values.clone();
        using var criterion = new TrainingLoss(
            ClassWeighting.Weights(_options.ClassWeights, new TrainingTargets(_train, _options).Histogram, _options.ClassWeightsBeta), _options.Distillation, _device);
        var feeder = Feeder(_options);
        var compute = ChooseCompute(parameters, input, criterion, feeder, cancellation);
        _computeType = compute.Type;
        using var teachers = new TeacherEnsemble(_sources.TeacherFolders, _preprocessor, _computeType, _device);
        var vectors = new Dictionary<string, Tensor>
        {
            ["values"] = parameters.Values,
            ["first_moment"] = optimizer.FirstMoment,
            ["second_moment"] = optimizer.SecondMoment,
            ["average"] = average,
        };
        var askedOnce = teachers.WeightsSha256.Count > 0 && _options.Distillation.View == DistillationOptions.Plain;
        using var answers = zeros(askedOnce ? _train.Count * ExpressionNames.Count : 0);
        if (askedOnce)
        {
            vectors[Answers] = answers;
        }

        var checkpoint = new RunCheckpoint(folder);
        if (EndsHere && !checkpoint.Exists)
        {
            throw new InvalidOperationException($"There is no run in {folder} to end.");
        }

        var isNew = !checkpoint.Exists;
        var (state, warning) = Start(checkpoint, vectors, Sources(initialSha256, teachers));
        state = state with { ComputeTypes = [.. (state.ComputeTypes ?? []).Union([compute.Name])] };
        var batches = feeder.BatchesPerEpoch;
        var schedule = new LearningRateSchedule(
            _options.LearningRate,
            _options.FinalLearningRate,
            (long)(_options.WarmupEpochs * batches),
            (long)_options.Epochs * batches);
        var clock = new RunClock(state.Seconds);
        var reports = new ReportClock(ReportEvery, _options.BatchSize);
        var sinceCheckpoint = Stopwatch.StartNew();
        foreach (var sentence in new[] { warning, compute.Warning }.OfType<string>())
        {
            progress?.Report(Progress(state, schedule, 0, 0, null) with { Warning = sentence });
        }

        if (askedOnce)
        {
            if (isNew)
            {
                var start = state;
                using var asked = tensor(Ask(
                    teachers, sentence => progress?.Report(Progress(start, schedule, 0, 0, null) with { Warning = sentence }), cancellation));
                answers.copy_(asked);
            }

            feeder = Feeder(_options, [.. answers.data<float>()]);
        }

        try
        {
            while (!EndsHere && state.Epoch < _options.Epochs && !BestEpoch.ShouldStop(state.History, _options.EarlyStopping))
            {
                using var sized = new ModelInput(basis, _preprocessor, SideAt(state.Epoch), _device);
                var objective = new Objective(sized, teachers, criterion);
                foreach (var batch in feeder.ReadEpoch(state.Epoch, state.Batch, cancellation))
                {
                    var step = state.Step + 1;
                    var rate = schedule.At(step);
                    var loss = TrainStep(parameters, parts, optimizer, average, objective, batch, step, rate);
                    state = state with
                    {
                        Batch = batch.Index + 1,
                        Step = step,
                        LossSum = state.LossSum + loss,
                        Seconds = clock.Seconds,
                    };
                    if (reports.Tick() is { } speed)
                    {
                        progress?.Report(Progress(state, schedule, rate, speed, null));
                    }

                    if (sinceCheckpoint.Elapsed >= checkpointEvery)
                    {
                        checkpoint.Save(state, vectors);
                        sinceCheckpoint.Restart();
                    }
                }

                var trainingSpeed = reports.Rate;
                var record = EvaluateEpoch(parameters, average, state, schedule.At(state.Step), clock, input, cancellation);
                var finished = state with { Epoch = state.Epoch + 1, Batch = 0, LossSum = 0, Seconds = clock.Seconds, History = [.. state.History, record] };
                progress?.Report(Progress(state, schedule, record.LearningRate, trainingSpeed, record));
                state = finished;

                // Before the checkpoint: after a crash between the two, the epoch is evaluated again and its weights written again.
                if (BestEpoch.Of(state.History, _options.EarlyStopping) == record)
                {
                    checkpoint.SaveBest(state, average);
                }

                checkpoint.Save(state, vectors);
                sinceCheckpoint.Restart();

                // The time of the evaluation is not training time.
                reports.Restart();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            checkpoint.Save(state with { Seconds = clock.Seconds }, vectors);
            throw;
        }

        if (EndsHere && state.Epoch == 0)
        {
            throw new InvalidOperationException("The run has not ended its first epoch; its weights are not worth having.");
        }

        var (epoch, lost) = _options.EndsWithBest ? RestoreBest(checkpoint, state, average) : (state.Epoch, null);
        if (lost is not null)
        {
            progress?.Report(Progress(state, schedule, 0, 0, null) with { Warning = lost });
        }

        return new TrainedModel(OnAllThreads(() => Finished(parameters, average, epoch, input, cancellation)), _preprocessor, _options, state) { Epoch = epoch };
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

        var objective = new Objective(input, null, criterion);
        var batch = feeder.ReadEpoch(0, 0, cancellation).First();
        return ComputeChoice.Make(_options.Compute, parameters, _options.BatchSize, (images, type) =>
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Loss(parameters.Model, objective, batch, 0, images, 1, type).backward();
            return parameters.TakeGradients().MoveToOuterDisposeScope();
        });
    }

    // A method of its own, so that nothing but the vector and the frozen weights outlives it.
    private (FlatParameters Parameters, string? InitialSha256) CreateParameters(ModelInput input, CancellationToken cancellation)
    {
        var (model, sha256) = _initial.Load();
        using var initial = model;
        using var onDevice = _device.type == TorchSharp.DeviceType.CPU ? null : initial.To(ScalarType.Float32, _device);
        using var unfolded = WithNorms(onDevice ?? initial, input, cancellation);
        return (new FlatParameters(unfolded ?? onDevice ?? initial, name => Freezing.IsFrozen(_options, name, _config.NumHiddenLayers)), sha256);
    }

    /// <summary>The model with the norms that were folded into its stem; <see langword="null"/> where there are none, or where the stem is frozen.</summary>
    private Vit? WithNorms(Vit model, ModelInput input, CancellationToken cancellation)
    {
        if (model.Config.ConvStem is not { Norm: StemNorm.None } || _options.Freeze != Freezing.None)
        {
            return null;
        }

        using var statistics = Measure(model, epoch: 1, input, cancellation);
        return StemFolding.Unfold(model, statistics);
    }

    private (int Epoch, string? Warning) RestoreBest(RunCheckpoint checkpoint, RunState state, Tensor average)
    {
        var best = BestEpoch.Of(state.History, _options.EarlyStopping)!;
        if (best.Epoch == state.Epoch)
        {
            return (best.Epoch, null);
        }

        using var restored = average.clone();
        string problem;
        try
        {
            var found = checkpoint.LoadBest(restored);
            if (found.Epoch == best.Epoch && found.Step == best.Step)
            {
                average.copy_(restored);
                return (best.Epoch, null);
            }

            problem = $"{RunCheckpoint.BestFileName} holds epoch {found.Epoch}.";
        }
        catch (SafetensorsFormatException e)
        {
            problem = e.Message;
        }

        return (state.Epoch, $"The best epoch, {best.Epoch}, cannot be restored: {problem} The last epoch's weights are used.");
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

    private (RunState State, string? Warning) Start(
        RunCheckpoint checkpoint, Dictionary<string, Tensor> vectors, IReadOnlyList<string> sourceSha256)
    {
        if (!checkpoint.Exists)
        {
            return (new RunState(_options.ToJson(), _train.Sha256, 0, 0, 0, 0, 0, []) { SourceSha256 = sourceSha256 }, null);
        }

        var (state, warning) = checkpoint.Load(vectors);
        if (!HasSameOptions(state))
        {
            throw new InvalidOperationException(
                $"The folder holds a run with other options{OptionDifference.Describe(state.OptionsJson, _options)}. Continue it with its own (options.json), or choose another folder.");
        }

        // Checkpoints written before there were such sources name none.
        if (state.SourceSha256.Count > 0 && !state.SourceSha256.SequenceEqual(sourceSha256))
        {
            throw new InvalidOperationException(
                "The model that the folder's run started from, or a teacher, has other weights now, or the votes are others. Bring them back, or choose another folder.");
        }

        return state.DataSha256 == _train.Sha256
            ? (state, warning)
            : throw new InvalidOperationException("The folder holds a run on other training data. Choose another folder.");
    }

    private bool HasSameOptions(RunState state)
    {
        try
        {
            return TrainingOptions.FromJson(state.OptionsJson).IsSameAs(_options);
        }
        catch (JsonException)
        {
            // Options of another version of this software.
            return false;
        }
    }

    private double TrainStep(
        FlatParameters parameters, BatchParts parts, AdamW optimizer, Tensor average, Objective objective, TrainingBatch batch, long step, double rate)
    {
        using var scope = NewDisposeScope();
        var images = _options.BatchSize / _options.Accumulate;
        var (value, gradients) = parts.Run(images, (model, start, count) => Loss(model, objective, batch, start, count, step, _computeType));
        for (var first = images; first < _options.BatchSize; first += images)
        {
            var offset = first;
            var (further, more) = parts.Run(images, (model, start, count) => Loss(model, objective, batch, offset + start, count, step, _computeType));
            value += further;
            using var noTracking = no_grad();
            gradients.Add(more);
        }

        var norm = gradients.norm().item<float>();
        if (!float.IsFinite(value) || !float.IsFinite(norm))
        {
            throw NotFinite(step);
        }

        using var noGrad = no_grad();
        if (norm > _options.ClipNorm)
        {
            gradients.Scale(_options.ClipNorm / norm);
        }

        optimizer.Step(gradients, step, rate);

        // Early on the average follows the weights closely; with a fixed decay it would carry the random start along.
        var decay = Math.Min(_options.EmaDecay, (1.0 + step) / (10.0 + step));
        average.lerp_(parameters.Values, 1 - decay);
        return value;
    }

    /// <summary>The share that some of a batch's images have in its mean loss.</summary>
    private Tensor Loss(Vit model, Objective objective, TrainingBatch batch, int first, int count, long step, ScalarType compute)
    {
        const int Area = FerDataset.Side * FerDataset.Side;
        const int Classes = ExpressionNames.Count;
        var pixels = tensor(
            batch.Pixels.AsSpan(first * Area, count * Area).ToArray(), [count, 1, FerDataset.Side, FerDataset.Side], device: _device);
        var targets = tensor(batch.Targets.AsSpan(first * Classes, count * Classes).ToArray(), [count, Classes], device: _device);
        var teachers = batch.Teachers is { } answers
            ? tensor(answers.AsSpan(first * Classes, count * Classes).ToArray(), [count, Classes], device: _device)
            : objective.Teachers?.Probabilities(pixels, _options.Distillation.Temperature);
        var logits = model.Forward(objective.Input.From(pixels), new VitForwardOptions(compute, DropPath(step, first, count)) { AnySide = true });
        return objective.Criterion.Of(logits, targets, teachers).Times((double)count / _options.BatchSize);
    }

    private int SideAt(int epoch) => _options.Progressive.SideAt(epoch, _options.Epochs, _config.ImageSize, _config.PatchSize);

    // Drawn for the whole batch, so that the draws do not depend on the parts in which it is computed.
    private Func<int, Tensor?>? DropPath(long step, int first, int count)
    {
        if (_options.DropPath == 0)
        {
            return null;
        }

        return layer =>
        {
            var rate = _options.DropPath * (layer + 1) / _config.NumHiddenLayers;
            var random = SeededRandom.For((ulong)_options.Seed, RandomPurpose.Network, layer, (int)step);
            var keep = new float[_options.BatchSize];
            for (var i = 0; i < keep.Length; i++)
            {
                keep[i] = random.NextDouble() < rate ? 0f : (float)(1 / (1 - rate));
            }

            return tensor(keep.AsSpan(first, count).ToArray(), [count, 1, 1], device: _device);
        };
    }

    /// <summary>
    /// The model of the averaged weights as it would be shipped: where its stem has batch normalisation, with statistics of some of the epoch's
    /// images folded in. They are augmented but not mixed: in training each batch had its own statistics, so that those of unmixed batches are
    /// what unmixed images met.
    /// </summary>
    private Vit Finished(FlatParameters parameters, Tensor average, int epoch, ModelInput input, CancellationToken cancellation)
    {
        var model = parameters.CopyWith(average, ScalarType.Float32);
        if (model.Config.ConvStem is not { Norm: StemNorm.Batch })
        {
            return model;
        }

        using (model)
        using (var statistics = Measure(model, epoch, input, cancellation))
        {
            return StemFolding.Fold(model, statistics);
        }
    }

    private StemStatistics Measure(Vit model, int epoch, ModelInput input, CancellationToken cancellation)
    {
        var statistics = new StemStatistics(model.Config, _device);
        try
        {
            foreach (var batch in Feeder(_options with { Mix = MixOptions.None }).ReadEpoch(epoch - 1, 0, cancellation).Take(StatisticsBatches))
            {
                using var scope = NewDisposeScope();
                statistics.Measure(model, input.From(tensor(batch.Pixels, [_options.BatchSize, 1, FerDataset.Side, FerDataset.Side], device: _device)), _computeType);
            }

            return statistics;
        }
        catch
        {
            statistics.Dispose();
            throw;
        }
    }

    private float[] Ask(TeacherEnsemble teachers, Action<string> say, CancellationToken cancellation)
    {
        var tenths = 0;
        void Answered(int images)
        {
            if (10 * images / _train.Count > tenths)
            {
                tenths = 10 * images / _train.Count;
                say($"The teachers have answered to {images} of {_train.Count} images.");
            }
        }

        return OnAllThreads(() => teachers.Answers(_train, _options.Distillation.Temperature, Answered, cancellation));
    }

    private EpochRecord EvaluateEpoch(
        FlatParameters parameters, Tensor average, RunState state, double rate, RunClock clock, ModelInput input, CancellationToken cancellation)
    {
        var predictions = OnAllThreads(() =>
        {
            using var model = Finished(parameters, average, state.Epoch + 1, input, cancellation);
            return Predict(model, state.Step);
        });
        var metrics = ClassificationMetrics.Compute(predictions);
        var batches = Math.Max(1, state.Batch);
        return new EpochRecord(
            state.Epoch + 1, state.Step, state.LossSum / batches, rate, metrics.Accuracy, metrics.MacroF1, metrics.Nll, clock.Seconds)
        {
            Agreement = predictions.ByMajority() is { } majority ? ClassificationMetrics.Compute(majority).Accuracy : null,
        };
    }

    private Predictions Predict(Vit model, long step)
    {
        try
        {
            return ModelEvaluation.Predict(model, _preprocessor, _validation, flip: false, _computeType);
        }
        catch (ArgumentException e)
        {
            // The last step of an epoch can spoil the weights although its own loss was finite.
            throw NotFinite(step, e);
        }
    }

    private static InvalidOperationException NotFinite(long step, Exception? inner = null) =>
        new($"The loss is no longer finite at step {step}. Lower the learning rate, or compute in fp32.", inner);

    private TrainingProgress Progress(RunState state, LearningRateSchedule schedule, double rate, double speed, EpochRecord? record) => new(
        state.Epoch + 1, _options.Epochs, state.Step, schedule.TotalSteps, state.LossSum / Math.Max(1, state.Batch), rate, speed, record);

    /// <summary>What a step computes besides the model.</summary>
    private sealed record Objective(ModelInput Input, TeacherEnsemble? Teachers, TrainingLoss Criterion);

    private sealed class RunClock(double before)
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();

        public double Seconds => before + _watch.Elapsed.TotalSeconds;
    }

    private sealed class ReportClock(TimeSpan every, int imagesPerTick)
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private int _ticks;
        private double _reported;

        /// <summary>Images per second since the last report, or where there is no tick yet, up to it.</summary>
        public double Rate => _ticks == 0 ? _reported : _ticks * imagesPerTick / _watch.Elapsed.TotalSeconds;

        public void Restart()
        {
            _ticks = 0;
            _watch.Restart();
        }

        public double? Tick()
        {
            _ticks++;
            if (_watch.Elapsed < every)
            {
                return null;
            }

            _reported = Rate;
            Restart();
            return _reported;
        }
    }
}
