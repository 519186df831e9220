using FerActors.Training.Data;
using FerActors.Training.Drift;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Reporting;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Runs;

/// <summary>Writes a finished model as a folder that can serve: calibrated, evaluated, with drift reference and card.</summary>
internal sealed record ModelDelivery
{
    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The model's name; the folder's where absent.</summary>
    public string? Name { get; init; }

    public required string Version { get; init; }

    /// <summary>Stores the weights as fp16.</summary>
    public required bool Half { get; init; }

    /// <summary>Where the written model is evaluated.</summary>
    public ComputeDevice Device { get; init; } = ComputeDevice.Cpu;

    /// <summary>Fits the temperature on people's majority in place of the labels, where the validation images have votes.</summary>
    public bool OnVotes { get; init; }

    /// <summary>Writes the folder's files; what is reported is what was written, for the weights are read back.</summary>
    /// <param name="model">The model, fp32 on any device; remains the caller's.</param>
    /// <param name="preprocessor">Its preprocessing.</param>
    /// <param name="predictions">What it says of the validation images, one look at each: the temperature is fitted on it.</param>
    /// <param name="validation">Those images.</param>
    /// <param name="epochs">The run's epochs, for the report's curves.</param>
    /// <param name="facts">What the card says of the written version.</param>
    /// <param name="cancellation">Asked between the passes.</param>
    public async Task<TrainingOutcome> WriteAsync(
        Vit model,
        PreprocessorConfig preprocessor,
        Predictions predictions,
        FerDataset validation,
        IReadOnlyList<EpochRecord> epochs,
        Func<VitCheckpoint, IReadOnlyList<EvaluationReport>, ModelCardFacts> facts,
        CancellationToken cancellation)
    {
        var name = Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Folder));
        var fit = TemperatureScaling.Fit(predictions, OnVotes);
        var calibratedOn = OnVotes && predictions.ByMajority() is not null ? FerActorsSection.Votes : null;
        using (var named = model.With(model.Config with { FerActors = new FerActorsSection(fit.Temperature, name, Version, calibratedOn) }))
        {
            VitCheckpoint.Save(Folder, named, preprocessor, Half);
        }

        using var shipped = Device.Load(Folder);
        var report = VersionEvaluation.Run(shipped, validation, FerUsage.PublicTest, epochs, cancellation: cancellation);
        var plain = report.Views[(int)TestTimeView.Plain].Evaluation;
        var flip = report.Views[(int)TestTimeView.Flip].Evaluation;
        await ReportFiles.WriteAsync(Folder, report, cancellation);
        await MetricsJson.WriteAsync(Folder, plain, cancellation);
        await DriftReferences.WriteAsync(Folder, DriftReferences.Build(shipped, validation, FerUsage.PublicTest), cancellation);
        await ModelCard.WriteAsync(Folder, facts(shipped, [plain, flip]), cancellation);
        return new TrainingOutcome(Folder, plain, flip);
    }
}
