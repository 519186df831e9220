using System.Text.RegularExpressions;

namespace FerActors.Deployment.Tests.House;

/// <summary>Which folder of the sources names types of which, read from namespaces, <c>using</c> lines and words.</summary>
/// <remarks>
/// A type counts as named where a word of a file is its name and its namespace is in sight: by a <c>using</c>, or as one around the file's
/// own. Comments and strings are left out. A name that the file's own folder has too is taken for that one.
/// </remarks>
internal sealed partial class FolderGraph
{
    private readonly SortedDictionary<(string From, string To), SortedSet<string>> _edges = [];

    private FolderGraph()
    {
    }

    public static FolderGraph Of(IEnumerable<string> texts)
    {
        var files = texts.Select(Read).OfType<SourceFile>().ToList();
        var homes = files.SelectMany(f => f.Types.Select(type => (type, f.Namespace))).ToLookup(p => p.type, p => p.Namespace);
        var own = files.ToLookup(f => f.Namespace, f => f.Types).ToDictionary(g => g.Key, g => g.SelectMany(t => t).ToHashSet());
        var graph = new FolderGraph();
        foreach (var file in files)
        {
            foreach (var name in file.Words.Where(name => !own[file.Namespace].Contains(name)))
            {
                foreach (var home in homes[name].Where(home => home != file.Namespace && file.Sees(home)))
                {
                    if (!graph._edges.TryGetValue((file.Namespace, home), out var names))
                    {
                        graph._edges[(file.Namespace, home)] = names = [];
                    }

                    names.Add(name);
                }
            }
        }

        return graph;
    }

    /// <summary>The folders that reach themselves, each circle with the types that close it.</summary>
    public IReadOnlyList<string> Circles()
    {
        var targets = _edges.Keys.ToLookup(e => e.From, e => e.To);
        var reach = targets.ToDictionary(g => g.Key, g => Reach(g.Key, targets));
        return
        [
            .. _edges
                .Where(e => reach[e.Key.From].Contains(e.Key.To) && reach.TryGetValue(e.Key.To, out var back) && back.Contains(e.Key.From))
                .Select(e => $"{e.Key.From} -> {e.Key.To}: {string.Join(", ", e.Value.Take(6))}"),
        ];
    }

    /// <summary>Whether a type under one namespace is named under another.</summary>
    public IReadOnlyList<string> Between(string from, string to) =>
        [.. _edges.Where(e => IsIn(e.Key.From, from) && IsIn(e.Key.To, to)).Select(e => $"{e.Key.From} -> {e.Key.To}: {string.Join(", ", e.Value.Take(6))}")];

    private static bool IsIn(string space, string root) => space == root || space.StartsWith(root + ".", StringComparison.Ordinal);

    private static HashSet<string> Reach(string start, ILookup<string, string> targets)
    {
        var seen = new HashSet<string>();
        var open = new Stack<string>([start]);
        while (open.TryPop(out var from))
        {
            foreach (var to in targets[from].Where(seen.Add))
            {
                open.Push(to);
            }
        }

        return seen;
    }

    private static SourceFile? Read(string text)
    {
        var code = Strings().Replace(Comments().Replace(RawStrings().Replace(text, "\"\""), ""), "\"\"");
        return NamespaceLine().Match(code) is { Success: true } space
            ? new SourceFile(
                space.Groups[1].Value,
                [.. UsingLine().Matches(code).Select(m => m.Groups[1].Value)],
                [.. TypeLine().Matches(code).Select(m => m.Groups[1].Value)],
                [.. Word().Matches(code).Select(m => m.Value).Distinct()])
            : null;
    }

    private sealed record SourceFile(string Namespace, IReadOnlyList<string> Usings, IReadOnlyList<string> Types, IReadOnlyList<string> Words)
    {
        public bool Sees(string space) => Namespace.StartsWith(space + ".", StringComparison.Ordinal) || Usings.Any(u => IsIn(u, space));
    }

    [GeneratedRegex("\"\"\"[\\s\\S]*?\"\"\"")]
    private static partial Regex RawStrings();

    [GeneratedRegex(@"//[^\n]*|/\*[\s\S]*?\*/")]
    private static partial Regex Comments();

    [GeneratedRegex("@\"(?:[^\"]|\"\")*\"|\\$?\"(?:\\\\.|[^\"\\\\\\n])*\"")]
    private static partial Regex Strings();

    [GeneratedRegex(@"^namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using\s+(?:static\s+)?(?:\w+\s*=\s*)?(FerActors[\w.]*)", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(
        @"^(?:(?:public|internal|static|abstract|sealed|partial|readonly|ref|unsafe|file)\s+)*(?:class|record struct|record class|record|struct|interface|enum|delegate\s+[\w<>,\[\]? ]+?)\s+(\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"\b[A-Z]\w+")]
    private static partial Regex Word();
}
