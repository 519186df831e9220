namespace FerActors.Inference.Pipeline;

/// <summary>Key of the pipeline's entrance in the actor registry: the actor that takes <see cref="ClassifyImage"/>.</summary>
public sealed class ImageIngress;
