namespace FerActors.Host.Doctor;

/// <summary>One thing to look at. It changes nothing.</summary>
/// <param name="Name">What is looked at.</param>
/// <param name="Limit">How long that may take.</param>
/// <param name="Look">Looks; a step that needs an earlier one says nothing where that has failed.</param>
internal sealed record Check(string Name, TimeSpan Limit, Func<CancellationToken, Task<IReadOnlyList<Finding>>> Look)
{
    /// <summary>A check that does not wait for anything but the processor and the disk.</summary>
    public static Check Of(string name, TimeSpan limit, Func<IEnumerable<Finding>> look) =>
        new(name, limit, _ => Task.Run<IReadOnlyList<Finding>>(() => [.. look()]));
}

/// <summary>Carries checks out one after the other, each within its time.</summary>
internal static class Examination
{
    /// <param name="checks">What is looked at.</param>
    /// <param name="begin">Told each check's name before it begins.</param>
    /// <param name="tell">Told each finding as soon as it is there.</param>
    /// <param name="cancellation">Ends the examination.</param>
    /// <returns>All findings.</returns>
    public static async Task<IReadOnlyList<Finding>> RunAsync(
        IEnumerable<Check> checks, Action<string> begin, Action<Finding> tell, CancellationToken cancellation)
    {
        var all = new List<Finding>();
        foreach (var check in checks)
        {
            begin(check.Name);
            foreach (var finding in await LookAsync(check, cancellation).ConfigureAwait(false))
            {
                tell(finding);
                all.Add(finding);
            }
        }

        return all;
    }

    private static async Task<IReadOnlyList<Finding>> LookAsync(Check check, CancellationToken cancellation)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(check.Limit);
        try
        {
            // A call into a native library or a name server that hangs does not hear the token; it is left behind.
            return await check.Look(bounded.Token).WaitAsync(bounded.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return [Finding.Failure(check.Name, $"No answer within {check.Limit.TotalSeconds:0} s.", "Find out what it waits for; a node would wait for the same.")];
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return [Finding.Failure(check.Name, e.Message, "See the sentence.")];
        }
    }
}
