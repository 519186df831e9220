using FerActors.Host.Operator;
using FerActors.Shared.Training;

namespace FerActors.Host.Commands.Operator;

/// <summary>Follows one run by looking at it again and again: a line for each change, none for a repetition.</summary>
internal static class RunWatch
{
    /// <param name="look">Describes the run.</param>
    /// <param name="show">Shows a whole reply and says its exit code.</param>
    /// <param name="say">Takes a line.</param>
    /// <param name="json">Shows whole replies at each change instead of lines.</param>
    /// <param name="pause">Between two looks.</param>
    /// <param name="cancellation">Stops looking; the run goes on.</param>
    /// <returns>
    /// The exit code: 0 once the registry has the model, 1 for another end (also where the registry does not take it), that of the reply
    /// where there is none.
    /// </returns>
    public static async Task<int> FollowAsync(
        Func<Task<OperatorReply>> look,
        Func<OperatorReply, int> show,
        Action<string> say,
        bool json,
        TimeSpan pause,
        CancellationToken cancellation)
    {
        RunSummary? before = null;
        while (true)
        {
            var reply = await look();
            if (reply.View is not RunDetailsView { Run: var run } || reply.Outcome != OperatorOutcome.Done)
            {
                return show(reply);
            }

            if (json && run != before)
            {
                show(reply);
            }
            else if (!json)
            {
                foreach (var line in Lines(before, run))
                {
                    say(line);
                }
            }

            if (run.IsFinal)
            {
                return run is { State: RunState.Registered, Confirmed: true } ? OperatorExitCodes.Done : OperatorExitCodes.Refused;
            }

            before = run;
            await Task.Delay(pause, cancellation);
        }
    }

    /// <summary>What is new since the last look. Epochs that ended between two looks are seen as the last of them.</summary>
    internal static IEnumerable<string> Lines(RunSummary? before, RunSummary now)
    {
        if (now.LastEpoch is { } epoch && epoch != before?.LastEpoch)
        {
            yield return ReplyTables.EpochOf(epoch);
        }

        if (Stage(now) != Stage(before))
        {
            yield return now.Node is null
                ? ReplyTables.StateOf(now)
                : $"{now.State} on {now.Node}, attempt {now.Attempt}{(now.Wish == StopWish.None ? "" : $", asked to {now.Wish}")}";
        }

        if (now.Progress is { } progress && progress != before?.Progress)
        {
            yield return ReplyTables.ProgressOf(now);
        }
    }

    private static (RunState?, StopWish?, int?, bool?, string?) Stage(RunSummary? run) =>
        (run?.State, run?.Wish, run?.Attempt, run?.Confirmed, run?.Refusal);
}
