using FerActors.Shared.Labels;

namespace FerActors.Vision.Configuration;

/// <summary>Which FER2013 expression each output of a checkpoint means. Found by name: public checkpoints differ in their order.</summary>
public sealed class LabelMap
{
    private readonly int[] _outputToExpression;

    private LabelMap(int[] outputToExpression)
    {
        _outputToExpression = outputToExpression;
        IsIdentity = outputToExpression.Select((expression, output) => expression == output).All(same => same);
    }

    /// <summary>The labels of our own checkpoints: FER2013's seven in its order.</summary>
    public static IReadOnlyList<string> Fer2013Labels { get; } =
        [.. ExpressionNames.All.Select(expression => expression.ToString().ToLowerInvariant())];

    /// <summary>Entry <c>i</c> is the FER2013 number of output <c>i</c>; a permutation of 0 to 6.</summary>
    public int[] OutputToExpression => [.. _outputToExpression];

    /// <summary>Whether the outputs stand in FER2013's order already.</summary>
    public bool IsIdentity { get; }

    /// <summary>Finds what the outputs mean.</summary>
    /// <param name="labels">Names of the outputs, <see cref="VitConfig.Labels"/>.</param>
    /// <exception cref="VitConfigException">They are not the seven expressions, each once; the message says what to do.</exception>
    public static LabelMap Create(IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count > 0 && labels.All(LabelFields.IsPlaceholder))
        {
            throw Refusal(
                $"The labels {labels[0]} to {labels[^1]} are placeholders, so the meaning of the outputs is unknown. "
                + "Write the order in which the checkpoint was trained into id2label of config.json, for example "
                + "{\"0\": \"angry\", \"1\": \"disgust\", ...}, or fine-tune it with a fresh classifier.");
        }

        var errors = new List<string>();
        var map = new int[labels.Count];
        var outputs = new int[ExpressionNames.Count];
        Array.Fill(outputs, -1);
        var foreign = new List<string>();
        for (var output = 0; output < labels.Count; output++)
        {
            if (!ExpressionNames.TryParse(labels[output], out var expression))
            {
                foreign.Add(labels[output]);
            }
            else if (outputs[(int)expression] >= 0)
            {
                errors.Add($"The outputs {outputs[(int)expression]} and {output} both mean {expression}.");
            }
            else
            {
                outputs[(int)expression] = output;
                map[output] = (int)expression;
            }
        }

        if (foreign.Count > 0)
        {
            errors.Add(
                $"{foreign.Count} of {labels.Count} labels mean none of FER2013's seven expressions: {Listed(foreign)}. "
                + "Their share of the probability has no place in a result; "
                + "fine-tune the checkpoint with a fresh classifier of seven outputs.");
        }

        var absent = ExpressionNames.All.Where(expression => outputs[(int)expression] < 0).ToList();
        if (absent.Count > 0)
        {
            errors.Add($"No output means {string.Join(", ", absent)}.");
        }

        return errors.Count == 0 ? new LabelMap(map) : throw Refusal([.. errors]);
    }

    /// <summary>Puts one row of outputs into FER2013's order.</summary>
    /// <param name="outputs">7 values in the checkpoint's order.</param>
    /// <param name="expressions">7 values in FER2013's order; must not overlap <paramref name="outputs"/>.</param>
    /// <exception cref="ArgumentException">A length is not 7.</exception>
    public void Reorder(ReadOnlySpan<float> outputs, Span<float> expressions)
    {
        if (outputs.Length != ExpressionNames.Count || expressions.Length != ExpressionNames.Count)
        {
            throw new ArgumentException(
                $"A row has {ExpressionNames.Count} values, not {outputs.Length} and {expressions.Length}.", nameof(outputs));
        }

        for (var output = 0; output < outputs.Length; output++)
        {
            expressions[_outputToExpression[output]] = outputs[output];
        }
    }

    private static VitConfigException Refusal(params string[] errors) => new("The checkpoint's labels", errors);

    private static string Listed(List<string> labels)
    {
        const int shown = 5;
        var list = string.Join(", ", labels.Take(shown).Select(label => $"'{(label.Length <= 32 ? label : label[..32] + "...")}'"));
        return labels.Count <= shown ? list : list + ", ...";
    }
}
