namespace FerActors.Shared.Options;

/// <summary>Which model serves, and on what.</summary>
public sealed record ModelOptions
{
    public const string Section = "Model";
    public const string LibTorch = "libtorch";
    public const string OnnxRuntime = "onnxruntime";
    public const string AutoEngine = "auto";
    public const string AutoDevices = "auto";
    public const string Processor = "cpu";
    public const string Plain = "plain";
    public const string Flip = "flip";
    public const string FlipShift = "flip_shift";
    public const string AutoViews = "auto";

    /// <summary>Folder in Hugging Face's layout: config.json, preprocessor_config.json, model.safetensors.</summary>
    public string Path { get; init; } = "models/fer-vit-compact-plus";

    /// <summary>
    /// What computes the forward pass: <c>libtorch</c>; <c>onnxruntime</c> (in fp32; on a CUDA device only in a build that has it); or <c>auto</c>: both are tried at
    /// load, and the faster one that agrees takes each class of batch sizes. Attention maps and explanations are libtorch's in any case.
    /// </summary>
    public string Engine { get; init; } = AutoEngine;

    /// <summary>Folder that keeps what <c>auto</c> found out for the next start; empty keeps nothing.</summary>
    public string EngineCache { get; init; } = "data/engines";

    /// <summary>
    /// Where the models compute: <c>auto</c>, every CUDA device that is found, else the processor; or a list with commas of <c>cpu</c> and
    /// <c>cuda:N</c>.
    /// </summary>
    public string Devices { get; init; } = AutoDevices;

    /// <summary>Instances of each model on a device: so many batches run there at once. Their weights are shared.</summary>
    public int InstancesPerDevice { get; init; } = 1;

    /// <summary>Compute type: <c>fp32</c>, <c>bf16</c>, or <c>auto</c>: bf16 where it agrees with fp32 and is the faster of the two at warm-up.</summary>
    public string Precision { get; init; } = "auto";

    /// <summary>
    /// Views of a face, by the names of <c>metrics.json</c>: <c>plain</c>, the face itself; <c>flip</c>, its mirror image too; or
    /// <c>flip_shift</c>, both also moved by 2 of 48 pixels to each side. The logits are averaged: somewhat better, and 2 or 10 times the
    /// work of the model. <c>auto</c> takes most of them for the few faces of a short queue, and one where many wait.
    /// </summary>
    public string TestTimeAugmentation { get; init; } = Plain;

    /// <summary>Threads of the engine for each instance on the processor; 0 shares the cores among them.</summary>
    public int Threads { get; init; }

    /// <summary>Largest difference of a probability between libtorch's fp32 and bf16, or ONNX Runtime, that is taken as agreement.</summary>
    public double ParityTolerance { get; init; } = 0.05;

    /// <summary>Threads of the engine for an instance on the processor, on a machine with that many cores.</summary>
    public int EffectiveThreads(int cores) => Threads > 0 ? Threads : Math.Max(1, cores / InstancesPerDevice);

    /// <summary>The devices, each once and in the order of the list.</summary>
    /// <param name="cudaDevices">CUDA devices that were found.</param>
    public IReadOnlyList<string> DeviceList(int cudaDevices) => Devices != AutoDevices
        ? [.. Split(Devices).Select(device => device == "cuda" ? "cuda:0" : device).Distinct(StringComparer.Ordinal)]
        : cudaDevices > 0 && Engine != OnnxRuntime
            ? [.. Enumerable.Range(0, cudaDevices).Select(number => $"cuda:{number}")]
            : [Processor];

    /// <summary>The device of each instance.</summary>
    /// <inheritdoc cref="DeviceList"/>
    public IReadOnlyList<string> InstanceList(int cudaDevices) =>
        [.. DeviceList(cudaDevices).SelectMany(device => Enumerable.Repeat(device, InstancesPerDevice))];

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(Path), nameof(Path), Path, "a folder");
        errors.Check(Engine is AutoEngine or LibTorch or OnnxRuntime, nameof(Engine), Engine, $"'{AutoEngine}', '{LibTorch}' or '{OnnxRuntime}'");
        errors.Check(AreDevices(Devices), nameof(Devices), Devices, "'auto', or a list with commas of 'cpu' and 'cuda:N'");
        errors.Check(InstancesPerDevice is >= 1 and <= 64, nameof(InstancesPerDevice), InstancesPerDevice, "from 1 to 64");
        errors.Check(Precision is "auto" or "fp32" or "bf16", nameof(Precision), Precision, "'auto', 'fp32' or 'bf16'");
        errors.Check(TestTimeAugmentation is Plain or Flip or FlipShift or AutoViews, nameof(TestTimeAugmentation), TestTimeAugmentation, $"'{Plain}', '{Flip}', '{FlipShift}' or '{AutoViews}'");
        if (Engine == OnnxRuntime)
        {
            errors.Check(Precision is "auto" or "fp32", nameof(Precision), Precision, $"'auto' or 'fp32' with the engine '{OnnxRuntime}'");
        }

        errors.Check(Threads is >= 0 and <= 1024, nameof(Threads), Threads, "from 0 to 1024");
        errors.Check(ParityTolerance is > 0 and <= 1, nameof(ParityTolerance), ParityTolerance, "above 0 and at most 1");
        return errors.All;
    }

    private static bool AreDevices(string? devices) => devices is AutoDevices || (devices is not null && Split(devices) is { Length: > 0 } list && list.All(IsDevice));

    private static string[] Split(string devices) => devices.Split(',', StringSplitOptions.TrimEntries);

    private static bool IsDevice(string? device) =>
        device is Processor or "cuda"
        || (device is not null && device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), out var index) && index is >= 0 and < 64);
}
