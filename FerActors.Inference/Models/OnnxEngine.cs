using FerActors.Inference.Engines;
using FerActors.Vision.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace FerActors.Inference.Models;

/// <summary>ONNX Runtime in fp32, on the processor or, in a build that has it, on a CUDA device. On the processor it is for a single face faster than libtorch, which spends much of a short pass between its kernels.</summary>
internal sealed class OnnxEngine : IForwardEngine
{
    /// <summary>The engine's name.</summary>
    public const string EngineName = "onnxruntime fp32";

    private readonly Shared<InferenceSession> _session;
    private readonly long[] _image;

    /// <param name="model">An ONNX file, as <see cref="OnnxVit"/> gives it.</param>
    /// <param name="image">Shape of an image: channels, side, side.</param>
    /// <param name="threads">Threads of a pass on the processor, at least 1.</param>
    /// <param name="cudaDevice">Number of the CUDA device; absent is the processor.</param>
    /// <exception cref="InvalidOperationException">This build has no ONNX Runtime with CUDA.</exception>
    public OnnxEngine(byte[] model, IReadOnlyList<long> image, int threads, int? cudaDevice = null)
    {
        if (cudaDevice is not null && !HasCuda())
        {
            throw new InvalidOperationException("The ONNX Runtime of this build computes on the processor only. Build with -p:FerAccelerator=cuda, or use engine libtorch there.");
        }

        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // Its threads would wait for the next pass in a busy loop, on the cores that decode and align.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        if (cudaDevice is { } device)
        {
            options.AppendExecutionProvider_CUDA(device);
        }

        _image = [.. image];
        _session = new Shared<InferenceSession>(new InferenceSession(model, options));
    }

    private OnnxEngine(OnnxEngine other) => (_session, _image) = (other._session.Share(), other._image);

    public string Name => EngineName;

    /// <summary>Whether this build's ONNX Runtime can be loaded and use CUDA devices.</summary>
    public static bool HasCuda()
    {
        try
        {
            return OrtEnv.Instance().GetAvailableProviders().Contains("CUDAExecutionProvider");
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    public (float[] Logits, float[] Embeddings) Run(float[] planes, int count)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(planes, [count, .. _image]);
        using var run = new RunOptions();
        using var outputs = _session.Value.Run(run, [OnnxVit.Input], [input], _session.Value.OutputNames);
        return (outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[1].GetTensorDataAsSpan<float>().ToArray());
    }

    /// <summary>As <see cref="Run"/>, of a file that gives probabilities too (<see cref="OnnxExport"/>).</summary>
    /// <returns>Logits and probabilities, batch x labels, and embeddings, batch x hidden.</returns>
    public (float[] Logits, float[] Embeddings, float[] Probabilities) RunNamed(float[] planes, int count)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(planes, [count, .. _image]);
        using var run = new RunOptions();
        using var outputs = _session.Value.Run(run, [OnnxVit.Input], [input], [OnnxVit.Logits, OnnxVit.Embedding, OnnxVit.Probabilities]);
        float[] Values(int output) => outputs[output].GetTensorDataAsSpan<float>().ToArray();
        return (Values(0), Values(1), Values(2));
    }

    /// <summary>The same session: ONNX Runtime lets any number of threads run it at once.</summary>
    public IForwardEngine Share() => new OnnxEngine(this);

    public void Dispose() => _session.Dispose();
}
