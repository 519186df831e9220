namespace FerActors.Shared.Options;

/// <summary>Which model serves, and on what.</summary>
public sealed record ModelOptions
{
    public const string Section = "Model";
    public const string LibTorch = "libtorch";
    public const string OnnxRuntime = "onnxruntime";
    public const string AutoEngine = "auto";
    public const string Plain = "plain";
    public const string Flip = "flip";
    public const string FlipShift = "flip_shift";
    public const string AutoViews = "auto";

    /// <summary>Folder in Hugging Face's layout: config.json, preprocessor_config.json, model.safetensors.</summary>
    public string Path { get; init; } = "models/fer-vit-compact-plus";

    /// <summary>
    /// What computes the forward pass: <c>libtorch</c>; <c>onnxruntime</c> (on the processor, in fp32); or <c>auto</c>: both are tried at
    /// load, and the faster one that agrees takes each class of batch sizes. Attention maps and explanations are libtorch's in any case.
    /// </summary>
    public string Engine { get; init; } = AutoEngine;

    /// <summary>Folder that keeps what <c>auto</c> found out for the next start; empty keeps nothing.</summary>
    public string EngineCache { get; init; } = "data/engines";

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Compute type: <c>fp32</c>, <c>bf16</c>, or <c>auto</c>: bf16 where it agrees with fp32 and is the faster of the two at warm-up.</summary>
    public string Precision { get; init; } = "auto";

    /// <summary>
    /// Views of a face, by the names of <c>metrics.json</c>: <c>plain</c>, the face itself; <c>flip</c>, its mirror image too; or
    /// <c>flip_shift</c>, both also moved by 2 of 48 pixels to each side. The logits are averaged: somewhat better, and 2 or 10 times the
    /// work of the model. <c>auto</c> takes most of them for the few faces of a short queue, and one where many wait.
    /// </summary>
    public string TestTimeAugmentation { get; init; } = Plain;

    /// <summary>Threads of the engine; 0 is one for each core.</summary>
    public int Threads { get; init; }

    /// <summary>Largest difference of a probability between libtorch's fp32 and bf16, or ONNX Runtime, that is taken as agreement.</summary>
    public double ParityTolerance { get; init; } = 0.05;

    /// <summary>Threads of the engine on a machine with that many cores.</summary>
    public int EffectiveThreads(int cores) => Threads > 0 ? Threads : cores;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(Path), nameof(Path), Path, "a folder");
        errors.Check(Engine is AutoEngine or LibTorch or OnnxRuntime, nameof(Engine), Engine, $"'{AutoEngine}', '{LibTorch}' or '{OnnxRuntime}'");
        errors.Check(IsDevice(Device), nameof(Device), Device, "'cpu', 'cuda' or 'cuda:N'");
        errors.Check(Precision is "auto" or "fp32" or "bf16", nameof(Precision), Precision, "'auto', 'fp32' or 'bf16'");
        errors.Check(TestTimeAugmentation is Plain or Flip or FlipShift or AutoViews, nameof(TestTimeAugmentation), TestTimeAugmentation, $"'{Plain}', '{Flip}', '{FlipShift}' or '{AutoViews}'");
        if (Engine == OnnxRuntime)
        {
            errors.Check(Device == "cpu", nameof(Device), Device, $"'cpu' with the engine '{OnnxRuntime}'");
            errors.Check(Precision is "auto" or "fp32", nameof(Precision), Precision, $"'auto' or 'fp32' with the engine '{OnnxRuntime}'");
        }

        errors.Check(Threads is >= 0 and <= 1024, nameof(Threads), Threads, "from 0 to 1024");
        errors.Check(ParityTolerance is > 0 and <= 1, nameof(ParityTolerance), ParityTolerance, "above 0 and at most 1");
        return errors.All;
    }

    private static bool IsDevice(string? device) =>
        device is "cpu" or "cuda"
        || (device is not null && device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), out var index) && index is >= 0 and < 64);
}
