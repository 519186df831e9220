using Spectre.Console;
using Spectre.Console.Rendering;

namespace FerActors.Host.Operator;

/// <summary>
/// Prints tables for people within a width: columns of sentences wrap between words, empty and spare columns are left out, and where that
/// is not enough each row becomes lines of a name and a value. A word is never broken, so that ids and file names can be copied.
/// </summary>
internal static class TablePrinter
{
    // Of an output that is no terminal and whose width nobody gives.
    private const int UsualColumns = 160;

    // Borders and spaces of a rounded table: one to the left of all, three for each column.
    private const int Frame = 3;

    /// <summary>How wide a line may be: the terminal's width, or the environment's <c>COLUMNS</c>.</summary>
    public static int WidthOf(bool terminal)
    {
        var columns = int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out var given) && given > 0 ? given : UsualColumns;
        return terminal && AnsiConsole.Profile.Width is > 0 and var width ? width : columns;
    }

    /// <summary>Prints a table to the standard output.</summary>
    public static void Write(ReplyTable table) =>
        Write([table], Console.Out, !Console.IsOutputRedirected, WidthOf(!Console.IsOutputRedirected));

    /// <param name="tables">What is printed, one after the other.</param>
    /// <param name="output">Takes it.</param>
    /// <param name="terminal">The output is a terminal and may be given colours.</param>
    /// <param name="width">Characters of a line.</param>
    public static void Write(IReadOnlyList<ReplyTable> tables, TextWriter output, bool terminal, int width)
    {
        foreach (var table in tables.Select(Printable))
        {
            if (Fit(table, width) is { } fitting)
            {
                WriteTable(fitting, output, terminal, width);
            }
            else
            {
                WriteRecords(table, output);
            }
        }
    }

    /// <summary>A text without what a terminal would obey: names and reasons may hold line ends and control characters.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static ReplyTable Printable(ReplyTable table) => table with
    {
        Rows = [.. table.Rows.Select(row => (IReadOnlyList<string>)[.. row.Select(Printable)])],
    };

    private static ReplyTable? Fit(ReplyTable table, int width)
    {
        if (Least(table) <= width)
        {
            return table;
        }

        var without = table.Where(column => table.Rows.Any(row => row[column].Length > 0));
        foreach (var spare in table.Spare)
        {
            if (Least(without) <= width)
            {
                break;
            }

            var left = without;
            without = without.Where(column => left.Columns[column] != spare);
        }

        return Least(without) <= width ? without : null;
    }

    private static int Least(ReplyTable table) =>
        1 + table.Columns.Select((name, i) => Frame + (table.IsProse(i) ? LongestWord(table, i) : Longest(table, i))).Sum();

    private static void WriteTable(ReplyTable described, TextWriter output, bool terminal, int width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = width;
        var table = new Table { Border = TableBorder.Rounded, ShowHeaders = described.Columns.Any(c => c.Length > 0) };
        if (described.Title is { } title)
        {
            table.Title = new TableTitle(Markup.Escape(title));
        }

        var left = width - Least(described);
        for (var i = 0; i < described.Columns.Count; i++)
        {
            var least = described.IsProse(i) ? LongestWord(described, i) : Longest(described, i);
            var more = Math.Min(left, Longest(described, i) - least);
            left -= more;
            table.AddColumn(new TableColumn(new Text(described.Columns[i])) { Width = least + more });
        }

        // What is shown came over a wire; brackets in it are not markup.
        foreach (var row in described.Rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        console.Write(table);
    }

    // Not through the console, which would break the lines.
    private static void WriteRecords(ReplyTable table, TextWriter output)
    {
        if (table.Title is { } title)
        {
            output.WriteLine($"{title}:");
        }

        // A table of facts has no headings: its first column is the names.
        var facts = table.Columns.All(c => c.Length == 0);
        var names = facts ? table.Rows.Select(row => row[0]) : table.Columns;
        var longest = names.Select(CellsOf).DefaultIfEmpty().Max();
        foreach (var row in table.Rows)
        {
            IEnumerable<(string Name, string Value)> values = facts ? [(row[0], string.Join(' ', row.Skip(1)))] : table.Columns.Zip(row);
            foreach (var (name, value) in values.Where(v => v.Value.Length > 0))
            {
                output.WriteLine($"  {name}{new string(' ', longest - CellsOf(name))}  {value}");
            }

            if (!facts)
            {
                output.WriteLine();
            }
        }
    }

    private static int Longest(ReplyTable table, int column) =>
        table.Rows.Select(row => row[column]).Append(table.Columns[column]).Max(CellsOf);

    private static int LongestWord(ReplyTable table, int column) =>
        table.Rows.Select(row => row[column]).Append(table.Columns[column]).SelectMany(text => text.Split(' ')).Max(CellsOf);

    private static int CellsOf(string text) => new Segment(text).CellCount();
}
