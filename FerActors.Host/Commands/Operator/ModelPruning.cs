using FerActors.Host.Operator;

namespace FerActors.Host.Commands.Operator;

/// <summary>Which versions nobody needs any more: all but those that serve or may serve again, and the newest of the rest.</summary>
internal static class ModelPruning
{
    /// <summary>Chooses the versions to delete, the oldest first.</summary>
    /// <param name="models">All versions of the registry.</param>
    /// <param name="keep">How many stay of those that have no part: neither champion, previous, challenger, canary nor shadow.</param>
    public static IReadOnlyList<ModelSummary> Spare(IEnumerable<ModelSummary> models, int keep) =>
        [.. models.Where(model => model is { Aliases.Count: 0, CanaryShare: null, ShadowShare: null }).OrderByDescending(model => model.RegisteredAt).Skip(keep).Reverse()];

    /// <summary>Asks the registry which there are, and has it delete those that are spare, one by one. It refuses what serves by then.</summary>
    /// <param name="ask">Asks a node.</param>
    /// <param name="keep">See <see cref="Spare"/>.</param>
    /// <param name="dry">Only says which.</param>
    /// <param name="say">Takes a line for each version.</param>
    /// <returns>The last reply: the first that is no success, or one that says how much was freed.</returns>
    public static async Task<OperatorReply> RunAsync(Func<OperatorRequest, Task<OperatorReply>> ask, int keep, bool dry, Action<string> say)
    {
        var list = await ask(new ModelRequests.List()).ConfigureAwait(false);
        if (list.Outcome != OperatorOutcome.Done || list.View is not ModelsView view)
        {
            return list;
        }

        var spare = Spare(view.Models, keep);
        var bytes = 0L;
        foreach (var model in spare)
        {
            if (dry)
            {
                say($"{model.Version} would be deleted ({ReplyTables.Size(model.Bytes)}).");
            }
            else
            {
                var reply = await ask(new ModelRequests.Delete(model.Version)).ConfigureAwait(false);
                if (reply.Outcome != OperatorOutcome.Done)
                {
                    return reply;
                }

                say(reply.Message);
            }

            bytes += model.Bytes;
        }

        return OperatorReply.Done($"{spare.Count} of {view.Models.Count} versions {(dry ? "would be" : "were")} deleted, {ReplyTables.Size(bytes)}.");
    }
}
