using System.Text;
using FerActors.Host.Commands.Data;
using FerActors.Host.Commands.Line;
using FerActors.Shared.Protocol;
using Spectre.Console;

namespace FerActors.Host.Tests.Commands;

/// <summary>What <c>fer classify</c> shows and how it names its pictures, without a broker.</summary>
public sealed class ClassifyOutputSpecs
{
    private const string LongName = "a photo with a very long name, taken on the way home from the harbour in the evening (2).jpg";

    [Fact]
    public void A_file_gets_a_table_as_wide_as_it_needs()
    {
        var text = Show(width: null, LongName);

        Assert.Contains(LongName, text, StringComparison.Ordinal);
        Assert.Contains("Photo", text, StringComparison.Ordinal);
        Assert.Single(text.Split('\n'), line => line.Contains("no face", StringComparison.Ordinal) && line.Contains(LongName, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(60, false)]
    public void A_terminal_shows_names_whole_in_a_table_or_where_that_does_not_fit_in_paragraphs(int width, bool isTable)
    {
        var text = Show(width, LongName);

        Assert.Contains(LongName, text, StringComparison.Ordinal);
        Assert.Equal(isTable, text.Contains("Photo", StringComparison.Ordinal));
        Assert.Contains("no face", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(20)]
    public void Control_characters_of_a_name_do_not_reach_the_terminal(int? width) =>
        Assert.DoesNotContain('\u001b', Show(width, "a\u001b[31mred.jpg"));

    [Fact]
    public void Faces_that_were_cut_are_said()
    {
        var result = new ClassificationResult { MessageId = "1", Node = "n", FacesFound = 70, FacesCut = true };

        Assert.Contains("crowd.jpg: 0 faces are shown of 70 that were found", Show(null, "crowd.jpg", result), StringComparison.Ordinal);
        Assert.DoesNotContain("were found", Show(null, "crowd.jpg", result with { FacesCut = false }), StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_of_photos_with_one_name_do_not_overwrite_each_other()
    {
        var taken = new HashSet<string>();

        Assert.Equal("me.annotated.png", ClassifyCommand.NameFor("/a/me.jpg", taken));
        Assert.Equal("me.jpg.annotated.png", ClassifyCommand.NameFor("/b/me.jpg", taken));
        Assert.Equal("me-2.annotated.png", ClassifyCommand.NameFor("/c/me.jpg", taken));
        Assert.Equal("me.png.annotated.png", ClassifyCommand.NameFor("/a/me.png", taken));
        Assert.Equal("me-3.annotated.png", ClassifyCommand.NameFor("/d/me.jpg", taken));
    }

    [Fact]
    public void A_wait_is_shown_from_its_third_second_on_a_terminal_each_second_and_in_a_file_every_ten()
    {
        Assert.Null(ElapsedLine.At(2, "1 of 2", terminal: true));
        Assert.Null(ElapsedLine.At(2, "1 of 2", terminal: false));
        Assert.Equal([3, 4, 5], Enumerable.Range(1, 5).Where(s => ElapsedLine.At(s, "", terminal: true) is not null));
        Assert.Equal([3, 10, 20], Enumerable.Range(1, 25).Where(s => ElapsedLine.At(s, "", terminal: false) is not null));
        Assert.Equal($"1 of 2, 10 s{Environment.NewLine}", ElapsedLine.At(10, "1 of 2", terminal: false));
        Assert.EndsWith("1 of 2, 4 s", ElapsedLine.At(4, "1 of 2", terminal: true), StringComparison.Ordinal);
    }

    private static string Show(int? width, string name, ClassificationResult? result = null)
    {
        var output = new Output(width);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = output, Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        ResultTable.Write(console, [(name, result ?? new ClassificationResult { MessageId = "1", Node = "n" })]);
        return output.Writer.ToString()!;
    }

    private sealed class Output(int? width) : IAnsiConsoleOutput
    {
        public TextWriter Writer { get; } = new StringWriter();

        public bool IsTerminal => width is not null;

        public int Width => width ?? 80;

        public int Height => 40;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}
