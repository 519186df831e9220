using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Engine;

/// <summary>What a finished run made: the moving average of its weights, fp32, with what is needed to write it down.</summary>
public sealed record TrainedModel(Vit Model, PreprocessorConfig Preprocessor, TrainingOptions Options, RunState State) : IDisposable
{
    /// <summary>The epoch whose weights these are, from 1.</summary>
    public required int Epoch { get; init; }

    public void Dispose() => Model.Dispose();
}
