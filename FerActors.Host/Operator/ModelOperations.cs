using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;

namespace FerActors.Host.Operator;

/// <summary>Asks the model registry.</summary>
internal sealed class ModelOperations(ActorQuestions actors, TimeSpan answerTimeout, TimeSpan workTimeout)
{
    private const string Registry = "the model registry";

    /// <summary>The reply, or <see langword="null"/> where the request is not the registry's.</summary>
    /// <exception cref="FormatException">A version's name is none.</exception>
    /// <exception cref="NoAnswerException">The registry did not answer.</exception>
    public Task<OperatorReply>? ExecuteAsync(OperatorRequest request) => request switch
    {
        ModelRequests.List => ListAsync(),
        ModelRequests.Describe q => AskAsync(new RegistryQueries.Describe(Version(q.Version)), answerTimeout),
        ModelRequests.Status => AskAsync(RegistryQueries.GetStatus.Instance, answerTimeout),
        ModelRequests.Verify q => AskAsync(new RegistryQueries.Verify(Version(q.Version)), workTimeout),
        ModelRequests.Register { Folder: var folder } c when Path.IsPathFullyQualified(folder) => AskAsync(
            new RegistryCommands.Register(
                Version(c.Version), folder, ModelProvenance.Unknown with { Parent = c.Parent }, c.WeightsSha256), workTimeout),
        ModelRequests.Register => throw new FormatException(
            "The model folder must be an absolute path: the registry's node has another current folder."),
        ModelRequests.Promote c => PromoteAsync(Version(c.Version), c.Force),
        ModelRequests.Rollback c => ChangeAsync(new RegistryCommands.Rollback(c.Reason), answerTimeout),
        ModelRequests.Canary c => ChangeAsync(new RegistryCommands.SetCanary(Version(c.Version), c.Share), workTimeout),
        ModelRequests.EndCanary => AskAsync(RegistryCommands.EndCanary.Instance, answerTimeout),
        ModelRequests.Shadow c => ChangeAsync(new RegistryCommands.SetShadow(Version(c.Version), c.Share), workTimeout),
        ModelRequests.EndShadow => AskAsync(RegistryCommands.EndShadow.Instance, answerTimeout),
        ModelRequests.Quarantine c => AskAsync(new RegistryCommands.Quarantine(Version(c.Version), c.Reason), answerTimeout),
        ModelRequests.Delete c => AskAsync(new RegistryCommands.Delete(Version(c.Version)), answerTimeout),
        _ => null,
    };

    /// <exception cref="NoAnswerException">The registry did not answer.</exception>
    public Task<OperatorReply> PromoteAsync(ModelVersionId version, bool force) =>
        ChangeAsync(new RegistryCommands.Promote(version, force), workTimeout);

    /// <summary>What should serve and what does; <see langword="null"/> where the registry is silent.</summary>
    public async Task<FleetView?> TryReadFleetAsync()
    {
        try
        {
            return (await AskAsync(RegistryQueries.GetStatus.Instance, answerTimeout).ConfigureAwait(false)).View as FleetView;
        }
        catch (NoAnswerException)
        {
            return null;
        }
    }

    /// <summary>How many of the nodes serve what they should; a sentence.</summary>
    internal static string ServedBy(FleetView fleet) => (fleet.Nodes.Count, fleet.Nodes.Count(n => n.Converged)) switch
    {
        (0, _) => "No inference node is there to serve it.",
        (1, 1) => "The one inference node serves it.",
        var (all, serving) when all == serving => $"All {all} inference nodes serve it.",
        var (all, serving) => $"{serving} of {all} inference nodes serve{(serving == 1 ? "s" : "")} it yet.",
    };

    private static ModelVersionId Version(string text) => ModelVersionId.Parse(text);

    private static OperatorReply Reply(object answer) => answer switch
    {
        RegistryReply reply => Reply(reply),
        ModelList list => OperatorReply.Done(
            $"{list.Models.Count} {(list.Models.Count == 1 ? "version" : "versions")}, {ReplyTables.Size(list.Models.Sum(model => model.Model.Manifest.Bytes))} on the registry's disk.",
            new ModelsView(list.Sequence, [.. list.Models.Select(Summary)])),
        ModelDescription description => OperatorReply.Done($"{description.Model.Version} is registered.", Details(description)),
        RegistryStatus status => OperatorReply.Done(Sentence(status), Fleet(status)),
        _ => OperatorReply.NoAnswer($"The model registry answered something unknown, {answer.GetType().Name}; is it of another version?"),
    };

    private static OperatorReply Reply(RegistryReply reply) => new(
        reply.Succeeded ? OperatorOutcome.Done : OperatorOutcome.Refused,
        OperatorCodes.Of(reply.Code),
        reply.Message,
        new ChangeView(reply.Sequence, reply.Gates));

    private static string Sentence(RegistryStatus status)
    {
        var serves = status.Nodes.Count(n => n.Converged);
        var champion = status.Desired.Champion is { } model
            ? $"{model.Version} is the champion"
            : "No version has been promoted, so that each node serves the model of its own Model:Path";
        var alarm = status.Alarm is null ? "" : " " + status.Alarm;
        return $"{champion}; {serves} of {status.Nodes.Count} inference nodes serve what they should.{alarm}";
    }

    private static FleetView Fleet(RegistryStatus status) => new(
        status.Sequence,
        status.Desired.Sequence,
        status.Desired.Champion?.Version.Value,
        status.Desired.Canary?.Model.Version.Value,
        status.Desired.Canary?.Share,
        status.Desired.Shadow?.Model.Version.Value,
        status.Desired.Shadow?.Share,
        status.Previous?.Value,
        status.Announced,
        status.Converged,
        status.Alarm,
        status.LastRollback,
        status.LastRollbackAt,
        status.Nodes);

    private static ModelSummary Summary(ModelDescription description)
    {
        var manifest = description.Model.Manifest;
        return new ModelSummary(
            manifest.Version.Value,
            description.Aliases,
            manifest.Metrics?.Accuracy,
            manifest.Metrics?.MacroF1,
            manifest.Metrics?.MsPerFace,
            manifest.Bytes,
            description.Model.RegisteredAt,
            description.Model.PromotedAt,
            description.Model.Quarantine);
    }

    private static ModelView Details(ModelDescription description)
    {
        var manifest = description.Model.Manifest;
        return new ModelView(
            Summary(description),
            manifest.Metrics?.Recalls ?? new Dictionary<string, double>(),
            manifest.Metrics?.Evaluation,
            manifest.Provenance,
            description.Model.Forced,
            manifest.Files);
    }

    // What the registry has decided is not what answers yet.
    private async Task<OperatorReply> ChangeAsync(object command, TimeSpan timeout)
    {
        var reply = await AskAsync(command, timeout).ConfigureAwait(false);
        return reply.Outcome == OperatorOutcome.Done && await TryReadFleetAsync().ConfigureAwait(false) is { } fleet
            ? reply with { Message = $"{reply.Message} {ServedBy(fleet)}" }
            : reply;
    }

    private async Task<OperatorReply> ListAsync()
    {
        var reply = await AskAsync(RegistryQueries.List.Instance, answerTimeout).ConfigureAwait(false);
        return reply.View is ModelsView list && await TryReadFleetAsync().ConfigureAwait(false) is { } fleet
            ? reply with
            {
                View = list with
                {
                    Models =
                    [
                        .. list.Models.Select(m => m with
                        {
                            CanaryShare = m.Version == fleet.Canary ? fleet.CanaryShare : null,
                            ShadowShare = m.Version == fleet.Shadow ? fleet.ShadowShare : null,
                        }),
                    ],
                },
            }
            : reply;
    }

    private async Task<OperatorReply> AskAsync(object message, TimeSpan timeout) =>
        Reply(await actors.AskAsync<ModelRegistry>(Registry, NodeRoles.Control, message, timeout).ConfigureAwait(false));
}
