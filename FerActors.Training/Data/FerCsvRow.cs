using System.Text;
using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>Parses one row of Kaggle's CSV from its bytes.</summary>
internal static class FerCsvRow
{
    /// <summary>Splits a row at its commas; spaces and one pair of quotes around a field are taken off.</summary>
    /// <returns>The number of fields, where <paramref name="error"/> is null.</returns>
    public static int Split(ReadOnlySpan<byte> row, Span<Range> fields, out string? error)
    {
        error = null;
        var count = 0;
        var at = 0;
        while (true)
        {
            if (count == fields.Length)
            {
                error = $"has more than {fields.Length} fields";
                return 0;
            }

            while (at < row.Length && IsSpace(row[at]))
            {
                at++;
            }

            int start, end;
            if (at < row.Length && row[at] == '"')
            {
                start = at + 1;
                var length = row[start..].IndexOf((byte)'"');
                if (length < 0)
                {
                    error = "has a quoted field without an end";
                    return 0;
                }

                end = start + length;
                at = end + 1;
                while (at < row.Length && IsSpace(row[at]))
                {
                    at++;
                }

                if (at < row.Length && row[at] != ',')
                {
                    error = "has text after a quoted field";
                    return 0;
                }
            }
            else
            {
                start = at;
                var length = row[start..].IndexOf((byte)',');
                at = length < 0 ? row.Length : start + length;
                end = at;
            }

            while (start < end && IsSpace(row[start]))
            {
                start++;
            }

            while (end > start && IsSpace(row[end - 1]))
            {
                end--;
            }

            fields[count++] = start..end;
            if (at >= row.Length)
            {
                return count;
            }

            at++;
        }
    }

    public static string? TryLabel(ReadOnlySpan<byte> field, out Expression label)
    {
        label = default;
        if (field.Length == 1 && field[0] - '0' is var number and >= 0 and < ExpressionNames.Count)
        {
            label = (Expression)number;
            return null;
        }

        return $"the label '{Show(field)}' is not a number from 0 to {ExpressionNames.Count - 1}";
    }

    public static string? TryUsage(ReadOnlySpan<byte> field, out FerUsage usage)
    {
        usage = FerUsage.Training;
        if (field.SequenceEqual("Training"u8))
        {
            return null;
        }

        usage = FerUsage.PublicTest;
        if (field.SequenceEqual("PublicTest"u8))
        {
            return null;
        }

        usage = FerUsage.PrivateTest;
        return field.SequenceEqual("PrivateTest"u8)
            ? null
            : $"the usage '{Show(field)}' is none of Training, PublicTest and PrivateTest";
    }

    /// <summary>Reads the numbers of one image.</summary>
    /// <param name="field">Numbers from 0 to 255 with spaces between them.</param>
    /// <param name="pixels">Takes the pixels; its length is the number that is wanted.</param>
    /// <param name="kind">Which kind of fault it is, where there is one.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? TryPixels(ReadOnlySpan<byte> field, Span<byte> pixels, out DataFaultKind kind)
    {
        kind = DataFaultKind.PixelValue;
        var count = 0;
        var at = 0;
        while (true)
        {
            while (at < field.Length && field[at] == ' ')
            {
                at++;
            }

            if (at == field.Length)
            {
                break;
            }

            var start = at;
            var value = 0;
            int digit;
            while (at < field.Length && (uint)(digit = field[at] - '0') <= 9 && value <= 255)
            {
                value = (value * 10) + digit;
                at++;
            }

            if (value > 255 || at == start || (at < field.Length && field[at] != ' '))
            {
                var rest = field[start..];
                var length = rest.IndexOf((byte)' ');
                return $"pixel {count + 1} is '{Show(length < 0 ? rest : rest[..length])}', not a number from 0 to 255";
            }

            if (count < pixels.Length)
            {
                pixels[count] = (byte)value;
            }

            count++;
        }

        kind = DataFaultKind.Size;
        return count == pixels.Length ? null : $"has {count} pixels instead of {pixels.Length}";
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\t';

    private static string Show(ReadOnlySpan<byte> field) =>
        ErrorCollector.Excerpt(Encoding.UTF8.GetString(field[..Math.Min(field.Length, 200)]));
}
