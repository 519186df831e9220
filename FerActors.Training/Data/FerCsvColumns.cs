using System.Text;

namespace FerActors.Training.Data;

/// <summary>Where the three columns stand; other columns are skipped.</summary>
internal sealed record FerCsvColumns(int Count, int Emotion, int Pixels, int Usage)
{
    public const int MaxColumns = 32;

    /// <summary>Reads the header: names in any order and case, with or without spaces and quotes.</summary>
    public static FerCsvColumns? Parse(ReadOnlySpan<byte> header, out string? error)
    {
        Span<Range> fields = stackalloc Range[MaxColumns];
        var count = FerCsvRow.Split(header, fields, out error);
        if (error is not null)
        {
            return null;
        }

        int emotion = -1, pixels = -1, usage = -1;
        for (var i = 0; i < count; i++)
        {
            var name = Encoding.UTF8.GetString(header[fields[i]]).ToUpperInvariant();
            var twice = name switch
            {
                "EMOTION" => Claim(ref emotion, i),
                "PIXELS" => Claim(ref pixels, i),
                "USAGE" => Claim(ref usage, i),
                _ => false,
            };
            if (twice)
            {
                error = $"the column '{name}' stands twice";
                return null;
            }
        }

        var missing = (emotion, pixels, usage) switch
        {
            ( < 0, _, _) => "emotion",
            (_, < 0, _) => "pixels",
            (_, _, < 0) => "Usage",
            _ => null,
        };
        if (missing is not null)
        {
            error = $"the column '{missing}' is missing from the header '{ErrorCollector.Excerpt(Encoding.UTF8.GetString(header))}'";
            return null;
        }

        return new FerCsvColumns(count, emotion, pixels, usage);
    }

    private static bool Claim(ref int column, int index)
    {
        var twice = column >= 0;
        column = index;
        return twice;
    }
}
