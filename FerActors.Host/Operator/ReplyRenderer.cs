namespace FerActors.Host.Operator;

/// <summary>Writes replies: JSON for scripts, a sentence with tables for people.</summary>
internal static class ReplyRenderer
{
    // A window of pbm's, whose width is unknown.
    private const int PlainColumns = 120;

    /// <summary>The sentence and the tables as plain text without colours.</summary>
    /// <param name="reply">The reply.</param>
    /// <param name="width">Characters of a line.</param>
    public static string ToText(OperatorReply reply, int width = PlainColumns)
    {
        using var text = new StringWriter { NewLine = "\n" };
        text.WriteLine(TablePrinter.Printable(reply.Message));
        TablePrinter.Write(ReplyTables.Of(reply.View), text, terminal: false, width);
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
            output.WriteLine(TablePrinter.Printable(reply.Message));
        }
        else
        {
            errors.WriteLine($"fer: {TablePrinter.Printable(reply.Message)}");
        }

        TablePrinter.Write(ReplyTables.Of(reply.View), output, terminal, TablePrinter.WidthOf(terminal));
    }
}
