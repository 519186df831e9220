using FerActors.Vision.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace FerActors.Inference.Models;

/// <summary>ONNX Runtime on the processor, in fp32: for a single face faster than libtorch, which spends much of a short pass between its kernels.</summary>
internal sealed class OnnxEngine : IDisposable
{
    private readonly InferenceSession _session;

    /// <param name="model">An ONNX file, as <see cref="OnnxVit"/> gives it.</param>
    /// <param name="threads">Threads of a pass, at least 1.</param>
    public OnnxEngine(byte[] model, int threads)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // Its threads would wait for the next pass in a busy loop, on the cores that decode and align.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        _session = new InferenceSession(model, options);
    }

    /// <summary>Classifies a batch.</summary>
    /// <param name="pixels">Normalised images: batch x channels x side x side.</param>
    /// <param name="shape">That shape.</param>
    /// <returns>Logits, batch x labels, and embeddings, batch x hidden.</returns>
    public (float[] Logits, float[] Embeddings) Run(float[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var run = new RunOptions();
        using var outputs = _session.Run(run, [OnnxVit.Input], [input], _session.OutputNames);
        return (outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[1].GetTensorDataAsSpan<float>().ToArray());
    }

    /// <summary>As <see cref="Run"/>, of a file that gives probabilities too (<see cref="OnnxExport"/>).</summary>
    /// <returns>Logits and probabilities, batch x labels, and embeddings, batch x hidden.</returns>
    public (float[] Logits, float[] Embeddings, float[] Probabilities) RunNamed(float[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var run = new RunOptions();
        using var outputs = _session.Run(run, [OnnxVit.Input], [input], [OnnxVit.Logits, OnnxVit.Embedding, OnnxVit.Probabilities]);
        float[] Values(int output) => outputs[output].GetTensorDataAsSpan<float>().ToArray();
        return (Values(0), Values(1), Values(2));
    }

    public void Dispose() => _session.Dispose();
}
