using Microsoft.ML.OnnxRuntime;

namespace FerActors.Benchmarks;

/// <summary>ONNX Runtime on the processor, with the same number of threads as libtorch.</summary>
internal sealed class OnnxEngine : IDisposable
{
    private readonly InferenceSession _session;

    public OnnxEngine(byte[] model, int threads)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        _session = new InferenceSession(model, options);
    }

    /// <summary>Classifies a batch.</summary>
    /// <param name="pixels">batch x channels x side x side.</param>
    /// <param name="shape">That shape.</param>
    /// <returns>Logits, batch x labels.</returns>
    public float[] Run(float[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var run = new RunOptions();
        using var outputs = _session.Run(run, [OnnxVit.Input], [input], _session.OutputNames);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose() => _session.Dispose();
}
