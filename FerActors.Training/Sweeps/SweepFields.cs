using System.Text.Json;
using System.Text.Json.Nodes;

namespace FerActors.Training.Sweeps;

/// <summary>Reads the fields of a sweep's file and collects what is wrong with them.</summary>
internal sealed class SweepFields(JsonObject fields, string path, List<string> errors)
{
    private const int MaxChoices = 1000;

    public List<string> Errors => errors;

    public JsonObject Object => fields;

    public void Allow(params IReadOnlyList<string> names)
    {
        foreach (var name in fields.Select(field => field.Key).Where(name => !names.Contains(name)))
        {
            errors.Add($"{path}{name} is not known; known are {string.Join(", ", names)}.");
        }
    }

    /// <returns><see langword="null"/> where the field is absent, null, or no section.</returns>
    public SweepFields? Section(string name)
    {
        switch (fields[name])
        {
            case null:
                return null;
            case JsonObject section:
                return new SweepFields(section, $"{path}{name}.", errors);
            default:
                errors.Add($"{path}{name} has to be a list of names with values.");
                return null;
        }
    }

    public IEnumerable<(string Name, SweepFields Fields)> Sections() => fields.ToList()
        .Select(field => (field.Key, Section(field.Key) ?? new SweepFields([], $"{path}{field.Key}.", errors)));

    public int Whole(string name, int otherwise, int min, int max)
    {
        var number = Number(name, otherwise);
        if (number == Math.Floor(number) && number >= min && number <= max)
        {
            return (int)number;
        }

        errors.Add($"{path}{name} has to be a whole number from {min} to {max}.");
        return otherwise;
    }

    /// <summary>A member of an enumeration by its snake_case name.</summary>
    public T Word<T>(string name, T otherwise)
        where T : struct, Enum
    {
        if (fields[name] is not { } node)
        {
            return otherwise;
        }

        foreach (var value in Enum.GetValues<T>())
        {
            if (node is JsonValue && node.GetValueKind() == JsonValueKind.String && node.GetValue<string>() == Snake(value))
            {
                return value;
            }
        }

        errors.Add($"{path}{name} has to be one of {string.Join(", ", Enum.GetValues<T>().Select(Snake))}.");
        return otherwise;
    }

    /// <summary>Reads the field's own object as the values of one option.</summary>
    public SweepDistribution? Distribution()
    {
        var before = errors.Count;
        Allow("values", "distribution", "min", "max", "step");
        if (fields.ContainsKey("values"))
        {
            if (fields.Count > 1)
            {
                errors.Add($"{path[..^1]} has values and something else; either is enough.");
            }

            if (fields["values"] is JsonArray { Count: > 0 and <= MaxChoices } values)
            {
                return errors.Count == before ? new SweepDistribution.Choice([.. values]) : null;
            }

            errors.Add($"{path}values has to be a list of 1 to {MaxChoices} values.");
            return null;
        }

        if (!fields.ContainsKey("min") || !fields.ContainsKey("max"))
        {
            errors.Add($"{path[..^1]} needs either values, or min and max.");
            return null;
        }

        var kind = Word("distribution", SweepDistributionKind.Uniform);
        double min = Number("min", double.NaN), max = Number("max", double.NaN);
        double? step = fields["step"] is null ? null : Number("step", double.NaN);
        var whole = kind == SweepDistributionKind.IntUniform;
        if (!(min < max) || !double.IsFinite(max - min))
        {
            errors.Add($"{path[..^1]}: min has to be below max.");
        }

        if (kind == SweepDistributionKind.LogUniform && !(min > 0))
        {
            errors.Add($"{path}min has to be above 0 for log_uniform.");
        }

        if (whole && (min != Math.Floor(min) || max != Math.Floor(max) || (step is { } s && s != Math.Floor(s)) || max - min > 1_000_000))
        {
            errors.Add($"{path[..^1]}: int_uniform needs whole numbers, not more than a million apart.");
        }

        if (step is { } distance && (!(distance > 0) || (max - min) / distance > 1_000_000))
        {
            errors.Add($"{path}step has to be above 0, and not below a millionth of the range.");
        }

        return errors.Count == before
            ? new SweepDistribution.Range(min, max, step, kind == SweepDistributionKind.LogUniform, whole)
            : null;
    }

    private static string Snake<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private double Number(string name, double otherwise)
    {
        if (fields[name] is not { } node)
        {
            return otherwise;
        }

        if (node.GetValueKind() == JsonValueKind.Number && node.AsValue().TryGetValue<double>(out var number))
        {
            return number;
        }

        errors.Add($"{path}{name} has to be a number.");
        return otherwise;
    }

    private enum SweepDistributionKind
    {
        Uniform,
        LogUniform,
        IntUniform,
    }
}
