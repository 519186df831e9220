using System.Globalization;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Vision.Export;

/// <summary>What a model says of some crops.</summary>
/// <param name="Logits">Crops x labels, in the folder's own order of labels, divided by nothing.</param>
/// <param name="Probabilities">Crops x labels, with the folder's temperature.</param>
public sealed record ExportAnswers(float[] Logits, float[] Probabilities)
{
    /// <summary>libtorch's answers in fp32 on the processor.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="crops">Gray bytes, side x side.</param>
    public static ExportAnswers Of(VitCheckpoint checkpoint, IReadOnlyList<byte[]> crops)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(crops);
        var normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        var side = checkpoint.Model.Config.ImageSize;
        var image = normalisation.Channels * side * side;
        var planes = new float[crops.Count * image];
        foreach (var (i, crop) in crops.Index())
        {
            normalisation.Apply(crop, planes.AsSpan(i * image, image));
        }

        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var logits = checkpoint.Model.Forward(tensor(planes, [crops.Count, normalisation.Channels, side, side]));
        return new ExportAnswers(
            logits.data<float>().ToArray(),
            logits.Times(1 / checkpoint.Model.Config.FerActors.Temperature).softmax(-1).data<float>().ToArray());
    }
}

/// <summary>How far the answers of an exported model are from libtorch's.</summary>
/// <param name="Crops">Number of crops that both saw.</param>
/// <param name="LogitDifference">Largest difference of a logit; infinite where one is no number.</param>
/// <param name="ProbabilityDifference">Largest difference of a probability; infinite where one is no number.</param>
public sealed record ExportComparison(int Crops, double LogitDifference, double ProbabilityDifference)
{
    /// <summary>Compares answer by answer.</summary>
    public static ExportComparison Between(ExportAnswers expected, ExportAnswers actual, int crops)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(actual);
        return new ExportComparison(crops, Largest(expected.Logits, actual.Logits), Largest(expected.Probabilities, actual.Probabilities));
    }

    /// <exception cref="InvalidOperationException">An answer differs by more.</exception>
    public void EnsureWithin(double tolerance, string what)
    {
        if (!(LogitDifference <= tolerance && ProbabilityDifference <= tolerance))
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"The answers of {what} differ from libtorch's on {Crops} drawn faces: logits by up to {LogitDifference:0.#####}, probabilities by up to {ProbabilityDifference:0.#####}, more than {tolerance}. Nothing was exported."));
        }
    }

    private static double Largest(float[] expected, float[] actual) => expected.Length != actual.Length || !actual.All(float.IsFinite)
        ? double.PositiveInfinity
        : expected.Zip(actual, (a, b) => (double)Math.Abs(a - b)).DefaultIfEmpty(0).Max();
}
