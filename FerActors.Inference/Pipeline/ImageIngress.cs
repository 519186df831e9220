namespace FerActors.Inference.Pipeline;

/// <summary>Key of the actor that takes <see cref="ClassifyImage"/>: the pipeline registers it, transports require it.</summary>
public sealed class ImageIngress;
