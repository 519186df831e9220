using System.Globalization;
using FerActors.Shared.Protocol;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FerActors.Host.Commands.Data;

/// <summary>Results for a person: a table with a row for each face, or a paragraph for each photo where the table would not fit.</summary>
internal static class ResultTable
{
    // No screen is so wide; a file has no width at all.
    private const int Unbounded = 4000;

    private static readonly string[] Headings = ["Photo", "Face (x, y, w x h)", "Expression", "Confidence", "Runner-up", "Time"];

    /// <summary>Writes the results so that no name of a file is broken or cut off.</summary>
    /// <param name="console">Where to; one that is no terminal gets as wide a table as it needs.</param>
    /// <param name="results">The photos' names and their results.</param>
    public static void Write(IAnsiConsole console, IEnumerable<(string Name, ClassificationResult Result)> results)
    {
        var all = results.ToList();
        var rows = all.Select(r => (r.Name, Rows: Rows(r.Name, r.Result))).ToList();
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var heading in Headings)
        {
            table.AddColumn(new TableColumn(new Text(heading)) { NoWrap = true });
        }

        table.Columns[3].RightAligned();
        table.Columns[5].RightAligned();
        foreach (var row in rows.SelectMany(r => r.Rows))
        {
            // Everything shown came over the wire; brackets in it are not markup.
            table.AddRow(row.Select(cell => new Text(Visible(cell))));
        }

        var width = ((IRenderable)table).Measure(RenderOptions.Create(console), Unbounded).Max;
        if (!console.Profile.Out.IsTerminal)
        {
            console.Profile.Width = Math.Max(console.Profile.Width, width);
        }

        if (width <= console.Profile.Width)
        {
            console.Write(table);
        }
        else
        {
            foreach (var (name, lines) in rows)
            {
                console.Profile.Out.Writer.WriteLine(Visible(name));
                foreach (var line in lines)
                {
                    console.Profile.Out.Writer.WriteLine($"    {string.Join("  ", line.Skip(1).Where(cell => cell.Length > 0).Select(Visible))}");
                }
            }
        }

        foreach (var (name, result) in all.Where(r => r.Result.FacesCut == true))
        {
            console.Profile.Out.Writer.WriteLine(
                $"{Visible(name)}: {result.Faces.Count} faces are shown of {result.FacesFound?.ToString(CultureInfo.InvariantCulture) ?? "more"} that were found; the limit is the node's Detection:MaxFaces.");
        }
    }

    // A terminal would obey what a name or a sentence of a stranger has of control characters.
    private static string Visible(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private static List<string[]> Rows(string name, ClassificationResult result)
    {
        var time = $"{result.TimingsMs.Total:0} ms";
        if (result.Error is { } error)
        {
            return [[name, error.Code, error.Message, "", "", time]];
        }

        if (result.Faces.Count == 0)
        {
            return [[name, "no face", "", "", "", time]];
        }

        return
        [
            .. result.Faces.Select((face, i) =>
            {
                var second = face.Emotions.OrderByDescending(e => e.Probability).Skip(1).First();
                return new[]
                {
                    i == 0 ? name : "",
                    $"{face.Box.X:0}, {face.Box.Y:0}, {face.Box.Width:0} x {face.Box.Height:0}",
                    face.DominantEmotion,
                    $"{face.Confidence:0.0%}",
                    $"{second.Name} {second.Probability:0%}",
                    i == 0 ? time : "",
                };
            }),
        ];
    }
}
