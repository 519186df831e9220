using System.Text.RegularExpressions;
using FerActors.Shared.Messaging;

namespace FerActors.Training.Hub;

/// <summary>A model on the Hub at a branch, tag or commit.</summary>
/// <param name="Repository"><c>org/name</c>, or <c>name</c> for the Hub's oldest models.</param>
/// <param name="Revision">Branch, tag, <c>refs/pr/N</c> or commit.</param>
public sealed partial record HubModelId(string Repository, string Revision)
{
    public const string DefaultRevision = "main";

    private const int LongestRevision = 200;

    /// <summary>Whether the revision is a commit, which never comes to mean anything else.</summary>
    public bool IsCommit => CommitPattern().IsMatch(Revision);

    /// <summary>Reads <c>org/name[@revision]</c>.</summary>
    /// <exception cref="HubException">The text is not of that form.</exception>
    public static HubModelId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var repository = at < 0 ? text : text[..at];
        var revision = at < 0 ? DefaultRevision : text[(at + 1)..];

        // Hugging Face's own rules, which also keep both parts from leaving the cache's folder.
        var good = RepositoryPattern().IsMatch(repository)
            && !repository.Contains("--", StringComparison.Ordinal)
            && !repository.Contains("..", StringComparison.Ordinal)
            && !repository.EndsWith(".git", StringComparison.Ordinal);
        if (!good)
        {
            throw HubException.Invalid($"'{UntrustedText.Shown(repository)}' is no model of the Hub; write it as org/name or org/name@revision.");
        }

        return revision.Length <= LongestRevision && RevisionPattern().IsMatch(revision) && !revision.Contains("..", StringComparison.Ordinal)
            ? new HubModelId(repository, revision)
            : throw HubException.Invalid($"'{UntrustedText.Shown(revision)}' is no revision; a branch, a tag, refs/pr/N or a commit of 40 digits is.");
    }

    public override string ToString() => $"{Repository}@{Revision}";

    internal static bool IsCommitText(string text) => CommitPattern().IsMatch(text);

    [GeneratedRegex(@"^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?/)?[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\z")]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*\z")]
    private static partial Regex RevisionPattern();

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex CommitPattern();
}
