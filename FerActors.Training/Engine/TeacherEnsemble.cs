using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>The models that a run learns from. Held in the compute type; never trained.</summary>
internal sealed class TeacherEnsemble : IDisposable
{
    /// <summary>Images that <see cref="Answers"/> passes to the teachers at a time.</summary>
    public const int BatchSize = 128;

    private readonly List<(Vit Model, ModelInput Input, Tensor Order)> _teachers = [];
    private readonly GrayNormalisation _normalisation;
    private readonly Device _device;
    private readonly VitForwardOptions _options;

    /// <param name="folders">Model folders; each must be fit for serving.</param>
    /// <param name="student">Preprocessing of the model that learns from them, whose channel 0 the batches are.</param>
    /// <param name="computeType">Type of the weights and matrix products.</param>
    /// <param name="device">Where they compute.</param>
    public TeacherEnsemble(IReadOnlyList<string> folders, PreprocessorConfig student, ScalarType computeType, Device device)
    {
        var basis = student.ChannelTransforms()[0];
        _normalisation = new GrayNormalisation(student);
        _device = device;
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

    /// <summary>The teachers' softened probabilities for each image of a data set, the mean of its own and its mirror image's.</summary>
    /// <param name="data">Images.</param>
    /// <param name="temperature">The logits are divided by it.</param>
    /// <param name="answered">Told after each batch for how many images there are answers.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Images x 7 in FER2013's order.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="InvalidOperationException">There is no teacher.</exception>
    public float[] Answers(FerDataset data, double temperature, Action<int> answered, CancellationToken cancellation)
    {
        if (_teachers.Count == 0)
        {
            throw new InvalidOperationException("There is no teacher to ask.");
        }

        const int Area = FerDataset.Side * FerDataset.Side;
        var answers = new float[data.Count * ExpressionNames.Count];
        for (var start = 0; start < data.Count; start += BatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(BatchSize, data.Count - start);
            var values = new float[count * Area];
            for (var i = 0; i < count; i++)
            {
                _normalisation.Apply(data.Pixels(start + i), values.AsSpan(i * Area, Area));
            }

            using var scope = NewDisposeScope();
            var pixels = tensor(values, [count, 1, FerDataset.Side, FerDataset.Side], device: _device);
            var both = Probabilities(pixels, temperature)!.Plus(Probabilities(pixels.flip(3), temperature)!).Times(0.5);
            both.cpu().data<float>().CopyTo(answers, start * ExpressionNames.Count);
            answered(start + count);
        }

        return answers;
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
