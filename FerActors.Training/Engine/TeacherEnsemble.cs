using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>The models that a run learns from. Held in the compute type; never trained.</summary>
internal sealed class TeacherEnsemble : IDisposable
{
    private readonly List<(Vit Model, ModelInput Input, Tensor Order)> _teachers = [];
    private readonly VitForwardOptions _options;

    /// <param name="folders">Model folders; each must be fit for serving.</param>
    /// <param name="basis">Normalisation that the batches have.</param>
    /// <param name="computeType">Type of the weights and matrix products.</param>
    /// <param name="device">Where they compute.</param>
    public TeacherEnsemble(IReadOnlyList<string> folders, ChannelTransform basis, ScalarType computeType, Device device)
    {
        _options = new VitForwardOptions(computeType, null);
        var digests = new List<string>();
        foreach (var folder in folders)
        {
            using var checkpoint = VitCheckpoint.Load(folder);
            var config = checkpoint.Model.Config;

            // Place e of the answer is the output that means expression e.
            var order = LabelMap.Create(config.Labels).OutputToExpression.Select((expression, output) => (expression, output))
                .OrderBy(p => p.expression).Select(p => (long)p.output).ToArray();
            _teachers.Add((
                checkpoint.Model.To(computeType, device),
                new ModelInput(basis, checkpoint.Preprocessor, config.ImageSize, device),
                tensor(order, device: device).DetachFromDisposeScope()));
            digests.Add(checkpoint.WeightsSha256);
        }

        WeightsSha256 = digests;
    }

    /// <summary>SHA-256 of each teacher's weights file.</summary>
    public IReadOnlyList<string> WeightsSha256 { get; }

    /// <summary>The teachers' softened probabilities, averaged.</summary>
    /// <param name="pixels">Augmented and mixed images, fp32 [batch, 1, 48, 48].</param>
    /// <param name="temperature">The logits are divided by it.</param>
    /// <returns>fp32 [batch, 7] in FER2013's order, or <see langword="null"/> where there is no teacher.</returns>
    public Tensor? Probabilities(Tensor pixels, double temperature)
    {
        using var noGrad = no_grad();
        Tensor? sum = null;
        foreach (var (model, input, order) in _teachers)
        {
            using var scope = NewDisposeScope();
            var logits = model.Forward(input.From(pixels), _options).index_select(1, order);
            var probabilities = logits.Times(1 / temperature).softmax(1);
            sum = (sum is null ? probabilities : sum.Plus(probabilities)).MoveToOuterDisposeScope();
        }

        return sum?.Times(1.0 / _teachers.Count);
    }

    public void Dispose()
    {
        foreach (var (model, input, order) in _teachers)
        {
            model.Dispose();
            input.Dispose();
            order.Dispose();
        }
    }
}
