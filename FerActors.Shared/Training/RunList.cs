using System.Text;

namespace FerActors.Shared.Training;

/// <summary>Runs, or as many of them as one message between nodes can carry.</summary>
/// <param name="Runs">In the order of their submission, without their options: a description has them.</param>
/// <param name="More">There are later runs; ask again after the last one's order.</param>
public sealed record RunList(IReadOnlyList<RunView> Runs, bool More = false)
{
    // Akka.Remote drops what exceeds its frame of 128,000 bytes, and the sender never learns of it.
    private const int MaxBytes = 100_000;

    // Of all numbers of a run with its progress.
    private const int NumbersBytes = 300;

    /// <summary>The runs after the given order that fit into one message; at least one where there is one.</summary>
    public static RunList Page(IEnumerable<RunView> runs, long after)
    {
        ArgumentNullException.ThrowIfNull(runs);
        var page = new List<RunView>();
        var bytes = 0;
        foreach (var view in runs.Where(v => v.Run.Order > after).OrderBy(v => v.Run.Order))
        {
            var listed = view with { Run = view.Run with { Spec = view.Run.Spec with { OptionsJson = "" } } };
            bytes += Size(listed.Run) + Bytes(listed.Refusal);
            if (page.Count > 0 && bytes > MaxBytes)
            {
                return new RunList(page, More: true);
            }

            page.Add(listed);
        }

        return new RunList(page);
    }

    private static int Size(TrainingRun run) => NumbersBytes
        + new[] { run.Spec.Id.Value, run.Spec.Name, run.Spec.DataPath, run.Spec.InitFrom, run.Node, run.Failure, run.ModelFolder }
            .Sum(Bytes);

    private static int Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
