namespace FerActors.Inference.Engines;

/// <summary>One way to compute a model's plain forward pass. Used by one thread at a time.</summary>
internal interface IForwardEngine : IDisposable
{
    /// <summary>Library and compute type, such as <c>libtorch bf16</c>.</summary>
    string Name { get; }

    /// <summary>Classifies a batch.</summary>
    /// <param name="planes">Normalised images: count x channels x side x side.</param>
    /// <param name="count">Images, at least 1.</param>
    /// <returns>Logits, count x labels, and embeddings, count x hidden.</returns>
    (float[] Logits, float[] Embeddings) Run(float[] planes, int count);

    /// <summary>An engine of the same weights, for another thread at the same time. Both are to be disposed.</summary>
    IForwardEngine Share();
}
