using FerActors.Shared.Protocol;
using Spectre.Console;

namespace FerActors.Host.Commands;

/// <summary>Results for a person: a row for each face.</summary>
internal static class ResultTable
{
    public static Table Create(IEnumerable<(string Name, ClassificationResult Result)> results)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("Photo", "Face (x, y, w x h)", "Expression", "Confidence", "Runner-up", "Time");
        table.Columns[3].RightAligned();
        table.Columns[5].RightAligned();
        foreach (var (name, result) in results)
        {
            var time = $"{result.TimingsMs.Total:0} ms";
            if (result.Error is { } error)
            {
                Add(table, name, error.Code, error.Message, "", "", time);
            }
            else if (result.Faces.Count == 0)
            {
                Add(table, name, "no face", "", "", "", time);
            }

            for (var i = 0; i < result.Faces.Count; i++)
            {
                var face = result.Faces[i];
                var second = face.Emotions.OrderByDescending(e => e.Probability).Skip(1).First();
                Add(
                    table,
                    i == 0 ? name : "",
                    $"{face.Box.X:0}, {face.Box.Y:0}, {face.Box.Width:0} x {face.Box.Height:0}",
                    face.DominantEmotion,
                    $"{face.Confidence:0.0%}",
                    $"{second.Name} {second.Probability:0%}",
                    i == 0 ? time : "");
            }
        }

        return table;
    }

    // Everything shown came over the wire; brackets in it are not markup.
    private static void Add(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)).ToArray<Spectre.Console.Rendering.IRenderable>());
}
