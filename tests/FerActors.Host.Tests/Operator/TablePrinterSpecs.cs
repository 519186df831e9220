using FerActors.Host.Operator;

namespace FerActors.Host.Tests.Operator;

/// <summary>Tables on screens of several widths.</summary>
public sealed class TablePrinterSpecs
{
    private const string File = "/data/very/long/folder/names/of/somebody/holiday-2026-in-the-mountains.jpg";
    private const string Address = "akka.tcp://FerActors@feractors-inference-0.feractors.svc.cluster.local:5055";
    private const string Reason = "the node could not load it because the weights on its disk are not those that were registered";

    private static readonly ReplyTable Table = new(
        null,
        ["Node", "Phase", "Reason", "Alarm", "Since"],
        [[Address, "Failed", Reason, "", "2026-11-25 14:30:00Z"], ["a", "Serving", "", "", "2026-11-25 14:31:00Z"]])
    {
        Prose = ["Reason"],
        Spare = ["Since"],
    };

    [Fact]
    public void Where_it_fits_it_is_a_table_as_wide_as_its_cells()
    {
        var lines = Print(Table, 400);

        Assert.Contains("Alarm", lines[1], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains(Address, StringComparison.Ordinal) && line.Contains(Reason, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.True(line.Length < 240, line));
    }

    [Fact]
    public void A_sentence_wraps_between_words_and_an_address_never_does()
    {
        var lines = Print(Table, 150);

        Assert.All(lines, line => Assert.True(line.Length <= 150, line));
        Assert.Contains(lines, line => line.Contains(Address, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains(Reason, StringComparison.Ordinal));
        Assert.All(Reason.Split(' '), word => Assert.Contains(lines, line => line.Contains(word, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_narrower_screen_does_without_empty_columns_and_then_without_spare_ones()
    {
        var without = Print(Table, 130);
        var least = Print(Table, 112);

        Assert.DoesNotContain("Alarm", without[1], StringComparison.Ordinal);
        Assert.Contains("Since", without[1], StringComparison.Ordinal);
        Assert.DoesNotContain("Since", least[1], StringComparison.Ordinal);
        Assert.All(least, line => Assert.True(line.Length <= 112, line));
        Assert.Contains(least, line => line.Contains(Address, StringComparison.Ordinal));
    }

    [Fact]
    public void Where_no_table_fits_each_row_is_lines_of_a_name_and_a_value()
    {
        var lines = Print(Table, 60);

        Assert.Equal(
            [
                $"  Node    {Address}",
                "  Phase   Failed",
                $"  Reason  {Reason}",
                "  Since   2026-11-25 14:30:00Z",
                "",
                "  Node    a",
                "  Phase   Serving",
                "  Since   2026-11-25 14:31:00Z",
            ],
            lines);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    [InlineData(200)]
    public void A_files_name_stays_whole_at_every_width(int width)
    {
        var photo = new ReplyTable("Photos", ["Photo", "Expression"], [[File, "Happy"], ["b.jpg", "Sad"]]);
        var facts = new ReplyTable(null, ["", ""], [["model folder", File], ["why", Reason]]);

        Assert.Contains(Print(photo, width), line => line.Contains(File, StringComparison.Ordinal));
        Assert.Contains(Print(facts, width), line => line.Contains(File, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(400)]
    public void Markup_and_control_characters_are_shown_and_not_obeyed(int width)
    {
        var text = string.Join('\n', Print(new ReplyTable("[red]", ["A"], [["[bold]x[/]"], ["\u001b[2J"], [new string('y', 60) + "\n"]]), width));

        Assert.Contains("[bold]x[/]", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void Markdown_is_shown_as_tables_and_plain_words_on_a_terminal_and_as_it_is_in_a_file()
    {
        const string Card = "# Data card\n\n**Can be trained on.**\n\n## Faults\n\n| Fault | Rows | The first |\n|---|---:|---|\n| twice | 2 | `a.png`<br>b\\|c.png |\n";

        var shown = Markdown(Card, terminal: true);
        var raw = Markdown(Card, terminal: false);

        Assert.All(["#", "**", "|---", "<br>", "`"], sign => Assert.DoesNotContain(sign, shown, StringComparison.Ordinal));
        Assert.All(["Data card", "Can be trained on.", "a.png; b|c.png", "│ twice │ 2"], words => Assert.Contains(words, shown, StringComparison.Ordinal));
        Assert.Equal(Card, raw.TrimEnd('\n') + "\n");
    }

    private static string Markdown(string text, bool terminal)
    {
        using var output = new StringWriter { NewLine = "\n" };
        MarkdownScreen.Write(text, output, terminal, 100);
        return output.ToString();
    }

    private static string[] Print(ReplyTable table, int width)
    {
        using var output = new StringWriter { NewLine = "\n" };
        TablePrinter.Write([table], output, terminal: false, width);
        return [.. output.ToString().TrimEnd().Split('\n').Select(line => line.TrimEnd())];
    }
}
