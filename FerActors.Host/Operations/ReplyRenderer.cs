using Spectre.Console;

namespace FerActors.Host.Operations;

/// <summary>Writes replies: JSON for scripts, a sentence with tables for people.</summary>
internal static class ReplyRenderer
{
    // Where the output is no terminal a table must not be broken to a width that nobody has.
    private const int WideColumns = 400;

    /// <summary>The sentence and the tables as plain text without colours.</summary>
    public static string ToText(OperatorReply reply)
    {
        using var text = new StringWriter { NewLine = "\n" };
        text.WriteLine(Printable(reply.Message));
        WriteTables(reply, text, terminal: false);
        return text.ToString().TrimEnd();
    }

    /// <param name="reply">The reply.</param>
    /// <param name="json">Writes the whole reply to the output, whatever its outcome.</param>
    /// <param name="output">Takes what was asked for.</param>
    /// <param name="errors">Takes the sentence of what was not done.</param>
    /// <param name="terminal">The output is a terminal, whose width counts.</param>
    public static void Write(OperatorReply reply, bool json, TextWriter output, TextWriter errors, bool terminal)
    {
        if (json)
        {
            output.WriteLine(OperatorJson.Write(reply));
            return;
        }

        if (reply.Outcome == OperatorOutcome.Done)
        {
            output.WriteLine(Printable(reply.Message));
        }
        else
        {
            errors.WriteLine($"fer: {Printable(reply.Message)}");
        }

        WriteTables(reply, output, terminal);
    }

    // What is shown came over a wire; brackets in it are not markup.
    private static void WriteTables(OperatorReply reply, TextWriter output, bool terminal)
    {
        var tables = ReplyTables.Of(reply.View);
        if (tables.Count == 0)
        {
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = terminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        if (!terminal)
        {
            console.Profile.Width = WideColumns;
        }

        foreach (var described in tables)
        {
            var table = new Table { Border = TableBorder.Rounded, ShowHeaders = described.Columns.Any(c => c.Length > 0) };
            if (described.Title is { } title)
            {
                table.Title = new TableTitle(Markup.Escape(title));
            }

            foreach (var column in described.Columns)
            {
                table.AddColumn(new TableColumn(new Text(column)));
            }

            foreach (var row in described.Rows)
            {
                table.AddRow(row.Select(cell => new Text(Printable(cell))));
            }

            console.Write(table);
        }
    }

    // Reasons and names may hold line ends and control characters, which a terminal would obey.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
