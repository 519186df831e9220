using System.Globalization;
using System.Security.Cryptography;
using FerActors.Inference.Engines;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Onnx;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>Puts a model together from a folder: its copies on the device, its engines, and the choice among them.</summary>
internal sealed class ModelAssembly
{
    private readonly ModelOptions _options;
    private readonly VitCheckpoint _checkpoint;
    private readonly Device _device;
    private readonly TimeProvider _clock;
    private readonly int _threads;
    private readonly ModelIdentity _identity;
    private readonly LabelMap _labels;
    private readonly GrayNormalisation _normalisation;

    /// <param name="options">Engine, precision and tolerance, and the folder that was loaded.</param>
    /// <param name="checkpoint">What was loaded; not owned.</param>
    /// <param name="device">Where the model computes.</param>
    /// <param name="version">The version's name in the registry; absent takes what the folder says.</param>
    /// <param name="clock">Measures the passes.</param>
    public ModelAssembly(ModelOptions options, VitCheckpoint checkpoint, Device device, string? version, TimeProvider clock)
    {
        (_options, _checkpoint, _device, _clock) = (options, checkpoint, device, clock);
        var config = checkpoint.Model.Config;
        _threads = options.EffectiveThreads(Environment.ProcessorCount);
        _labels = LabelMap.Create(config.Labels);
        _normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        _identity = new ModelIdentity(
            config.FerActors.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(options.Path)),
            version ?? config.FerActors.Version ?? checkpoint.WeightsSha256[..12],
            checkpoint.WeightsSha256);
    }

    private bool OnProcessor => _device.type == DeviceType.CPU;

    /// <summary>Builds the model.</summary>
    /// <param name="largest">Faces of the largest batch.</param>
    /// <exception cref="InvalidOperationException">What the options ask for does not agree with libtorch in fp32.</exception>
    public VitExpressionModel Build(int largest)
    {
        using var parts = new Parts();
        var exact = parts.Add(Torch(ScalarType.Float32));
        VitExpressionModel chosen;
        switch (_options.Engine)
        {
            case ModelOptions.OnnxRuntime:
                var onnx = parts.Add(Onnx());
                chosen = PrecisionTrial.RequireParity(Alone(exact), Beside(exact, onnx), _options.ParityTolerance);
                break;
            case ModelOptions.LibTorch:
                chosen = Alone(Precise(exact, parts, largest));
                break;
            default:
                chosen = Fastest(exact, parts, largest);
                break;
        }

        parts.Keep(chosen);
        return chosen;
    }

    // libtorch in the precision that was asked for, or in the better one.
    private TorchEngine Precise(TorchEngine exact, Parts parts, int largest)
    {
        if (_options.Precision != "fp32")
        {
            var half = parts.Add(Torch(ScalarType.BFloat16));
            var chosen = _options.Precision == "bf16"
                ? PrecisionTrial.RequireParity(Alone(exact), Alone(half), _options.ParityTolerance)
                : PrecisionTrial.Choose(Alone(exact), Alone(half), _options.ParityTolerance, largest);
            exact = chosen.ComputeType == ScalarType.BFloat16 ? half : exact;
        }

        exact.TryThreads();
        return exact;
    }

    private VitExpressionModel Fastest(TorchEngine exact, Parts parts, int largest)
    {
        var upTo = BatchClasses.UpTo(largest);
        var (cache, key) = (new EngineCache(_options.EngineCache), Key(largest));
        string[] homes = [TorchEngine.NameOf(ScalarType.Float32), TorchEngine.NameOf(ScalarType.BFloat16)];
        var read = cache.TryRead(key, upTo.Count, [.. homes, OnnxEngine.EngineName], out var warning);
        var warnings = new List<string>();
        if (warning is not null)
        {
            warnings.Add(warning);
        }

        if (read is not null && homes.Contains(read.Home) && Remembered(read, exact, parts, upTo) is { } remembered)
        {
            return remembered;
        }

        var home = Precise(exact, parts, largest);
        var reference = Alone(exact);
        var (chosen, report) = new EngineTrial(_clock, _normalisation.Channels * reference.InputSide * reference.InputSide).Run(
            home, Others(), engine => PrecisionTrial.Difference(reference, Beside(exact, engine)), _options.ParityTolerance, largest);
        chosen.ToList().ForEach(engine => parts.Add(engine));

        // One that was left out may be there at the next start, and its warning must be.
        if (report.Warnings.Count == 0 && cache.TryWrite(key, new EngineChoice(home.Name, [.. chosen.Select(engine => engine.Name)])) is { } problem)
        {
            warnings.Add(problem);
        }

        return Model(home, new EngineTable(upTo, chosen), report with { Warnings = [.. warnings, .. report.Warnings] });
    }

    // The engines of an earlier choice, where they can be loaded and agree; else none, and the trial finds out and says why.
    private VitExpressionModel? Remembered(EngineChoice choice, TorchEngine exact, Parts parts, IReadOnlyList<int> upTo)
    {
        var built = new Parts();
        try
        {
            var home = choice.Home == exact.Name ? exact : built.Add(Torch(ScalarType.BFloat16));
            var engines = new Dictionary<string, IForwardEngine> { [home.Name] = home };
            foreach (var name in choice.Engines.Distinct().Where(name => name != home.Name))
            {
                engines[name] = built.Add(Others().Single(candidate => candidate.Name == name).Build());
            }

            var reference = Alone(exact);
            if (engines.Values.Any(engine => engine != exact && !(PrecisionTrial.Difference(reference, Beside(exact, engine)) <= _options.ParityTolerance)))
            {
                return null;
            }

            home.TryThreads();
            IReadOnlyList<IForwardEngine> chosen = [.. choice.Engines.Select(name => engines[name])];
            built.MoveTo(parts);
            return Model(home, new EngineTable(upTo, chosen), new EngineReport(EngineTrial.Describe(upTo, chosen, [])) { Cached = true });
        }
        catch (Exception)
        {
            return null;
        }
        finally
        {
            built.Dispose();
        }
    }

    // With bf16 asked for, an engine that has none is no candidate.
    private IReadOnlyList<EngineCandidate> Others() =>
        _options.Precision != "bf16" && (OnProcessor || OnnxEngine.HasCuda()) ? [new EngineCandidate(OnnxEngine.EngineName, Onnx)] : [];

    private TorchEngine Torch(ScalarType type) => new(
        new Shared<Vit>(_checkpoint.Model.To(type, _device)), new PassThreads(OnProcessor && _options.Engine != ModelOptions.OnnxRuntime ? _threads : 1));

    private OnnxEngine Onnx()
    {
        var side = _checkpoint.Model.Config.ImageSize;
        return new OnnxEngine(OnnxVit.Export(_checkpoint.Model), [_normalisation.Channels, side, side], _threads, OnProcessor ? null : Math.Max(_device.index, 0));
    }

    private VitExpressionModel Alone(TorchEngine torch) => Beside(torch, torch);

    private VitExpressionModel Beside(TorchEngine torch, IForwardEngine plain) =>
        Model(torch, new EngineTable(plain), new EngineReport([new EngineClass(1, int.MaxValue, plain.Name)]));

    private VitExpressionModel Model(TorchEngine torch, EngineTable table, EngineReport report) =>
        new(torch, table, report, _options.TestTimeAugmentation, _labels, _normalisation, _identity);

    // All that the times depend on; a build of its own may compute otherwise.
    private string Key(int largest) => string.Create(CultureInfo.InvariantCulture,
        $"processor {ProcessorName.OfThisMachine()}; cores {Environment.ProcessorCount}; threads {_threads}; device {_device}; "
        + $"build {typeof(ModelAssembly).Assembly.ManifestModule.ModuleVersionId}; TorchSharp {typeof(torch).Assembly.GetName().Version}; libtorch {torch.__version__}; "
        + $"ONNX Runtime {typeof(InferenceSession).Assembly.GetName().Version}; weights {_checkpoint.WeightsSha256}; configuration {Digest(VitConfig.FileName)}; "
        + $"precision {_options.Precision}; largest batch {largest}");

    private string Digest(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(_options.Path, file))));

    /// <summary>Engines that were built; those that no model keeps are disposed.</summary>
    private sealed class Parts : IDisposable
    {
        private readonly HashSet<IForwardEngine> _all = [];

        public T Add<T>(T engine)
            where T : IForwardEngine
        {
            _all.Add(engine);
            return engine;
        }

        public void Keep(VitExpressionModel model) => _all.ExceptWith(model.Owned);

        public void MoveTo(Parts other)
        {
            other._all.UnionWith(_all);
            _all.Clear();
        }

        public void Dispose()
        {
            foreach (var engine in _all)
            {
                engine.Dispose();
            }
        }
    }
}
