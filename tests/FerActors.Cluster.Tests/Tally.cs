namespace FerActors.Cluster.Tests;

/// <summary>What became of a load.</summary>
/// <param name="Published">Images whose confirm came.</param>
/// <param name="Answered">Images with an answer.</param>
/// <param name="Duplicates">Answers beyond the first of their image.</param>
/// <param name="Errors">Error results among all answers.</param>
/// <param name="Unequal">Answers that differ from the first one of their version; all images of a load are the same picture.</param>
/// <param name="Waiting">Messages left in the queue of images.</param>
/// <param name="Dead">Messages in the queue of the dead.</param>
internal sealed record Tally(int Published, int Answered, int Duplicates, int Errors, int Unequal, uint Waiting, uint Dead)
{
    /// <summary>The words of <see cref="ToString"/> where all is as it must be.</summary>
    public static string Expected(int duplicates) =>
        FormattableString.Invariant($"lost 0, errors 0, unequal answers 0, dead-lettered 0, duplicates at most {duplicates}");

    public override string ToString() =>
        FormattableString.Invariant($"published {Published}, answered {Answered}, lost {Published - Answered}, errors {Errors}, ")
        + FormattableString.Invariant($"unequal answers {Unequal}, dead-lettered {Dead}, duplicates {Duplicates}");

    /// <summary>Each image has one answer after duplicates were removed by message id, and all answers are good and equal.</summary>
    /// <param name="duplicates">
    /// Most duplicates: between the confirm of a result and the acknowledgement of its image a second, equal answer is possible.
    /// </param>
    public void AssertWhole(int duplicates)
    {
        Assert.Equal(Published, Answered);
        Assert.Equal((0, 0, 0u, 0u), (Errors, Unequal, Waiting, Dead));
        Assert.InRange(Duplicates, 0, duplicates);
    }
}
