using System.Text.RegularExpressions;

namespace FerActors.Host.Operator;

/// <summary>Shows Markdown of the product's own making on a terminal: tables as tables, headings without their signs.</summary>
internal static partial class MarkdownScreen
{
    /// <summary>To a terminal for people; to a file or a pipe as it is.</summary>
    public static void Write(string markdown, TextWriter output, bool terminal, int width)
    {
        if (!terminal)
        {
            output.WriteLine(markdown);
            return;
        }

        var rows = new List<IReadOnlyList<string>>();
        foreach (var line in markdown.TrimEnd().Split('\n').Append(""))
        {
            var text = line.TrimEnd();
            if (text.StartsWith('|'))
            {
                rows.Add([.. Bar().Split(text.Trim('|')).Select(cell => Plain(cell.Trim()))]);
                continue;
            }

            if (rows.Count > 0)
            {
                TablePrinter.Write([Table(rows)], output, terminal, width);
                rows.Clear();
            }

            output.WriteLine(TablePrinter.Printable(Plain(text.TrimStart('#').TrimStart())));
        }
    }

    /// <summary>To the standard output.</summary>
    public static void Write(string markdown) =>
        Write(markdown, Console.Out, !Console.IsOutputRedirected, TablePrinter.WidthOf(!Console.IsOutputRedirected));

    // The second row only says how columns are aligned. Any column may wrap between words: there are no ids beside words in one.
    private static ReplyTable Table(List<IReadOnlyList<string>> rows) =>
        new(null, rows[0], [.. rows.Skip(1).Where(row => row.Count == rows[0].Count && !row.All(cell => Ruler().IsMatch(cell)))]) { Prose = rows[0] };

    private static string Plain(string text) => text
        .Replace("<br>", "; ", StringComparison.Ordinal)
        .Replace("**", "", StringComparison.Ordinal)
        .Replace("`", "", StringComparison.Ordinal)
        .Replace("\\|", "|", StringComparison.Ordinal);

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bar();

    [GeneratedRegex("^:?-+:?$")]
    private static partial Regex Ruler();
}
