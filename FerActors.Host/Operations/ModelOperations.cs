using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;

namespace FerActors.Host.Operations;

/// <summary>Asks the model registry.</summary>
internal sealed class ModelOperations(ActorQuestions actors, TimeSpan answerTimeout, TimeSpan workTimeout)
{
    private const string Registry = "the model registry";

    /// <summary>The reply, or <see langword="null"/> where the request is not the registry's.</summary>
    /// <exception cref="FormatException">A version's name is none.</exception>
    /// <exception cref="NoAnswerException">The registry did not answer.</exception>
    public Task<OperatorReply>? ExecuteAsync(OperatorRequest request) => request switch
    {
        ModelRequests.List => AskAsync(RegistryQueries.List.Instance, answerTimeout),
        ModelRequests.Describe q => AskAsync(new RegistryQueries.Describe(Version(q.Version)), answerTimeout),
        ModelRequests.Status => AskAsync(RegistryQueries.GetStatus.Instance, answerTimeout),
        ModelRequests.Verify q => AskAsync(new RegistryQueries.Verify(Version(q.Version)), workTimeout),
        ModelRequests.Register { Folder: var folder } c when Path.IsPathFullyQualified(folder) => AskAsync(
            new RegistryCommands.Register(
                Version(c.Version), folder, ModelProvenance.Unknown with { Parent = c.Parent }, c.WeightsSha256), workTimeout),
        ModelRequests.Register => throw new FormatException("The model folder must be an absolute path: the registry's node has another current folder."),
        ModelRequests.Promote c => PromoteAsync(Version(c.Version), c.Force),
        ModelRequests.Rollback c => AskAsync(new RegistryCommands.Rollback(c.Reason), answerTimeout),
        ModelRequests.Canary c => AskAsync(new RegistryCommands.SetCanary(Version(c.Version), c.Share), workTimeout),
        ModelRequests.EndCanary => AskAsync(RegistryCommands.EndCanary.Instance, answerTimeout),
        ModelRequests.Shadow c => AskAsync(new RegistryCommands.SetShadow(Version(c.Version), c.Share), workTimeout),
        ModelRequests.EndShadow => AskAsync(RegistryCommands.EndShadow.Instance, answerTimeout),
        ModelRequests.Quarantine c => AskAsync(new RegistryCommands.Quarantine(Version(c.Version), c.Reason), answerTimeout),
        ModelRequests.Delete c => AskAsync(new RegistryCommands.Delete(Version(c.Version)), answerTimeout),
        _ => null,
    };

    /// <exception cref="NoAnswerException">The registry did not answer.</exception>
    public Task<OperatorReply> PromoteAsync(ModelVersionId version, bool force) =>
        AskAsync(new RegistryCommands.Promote(version, force), workTimeout);

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

    private static ModelVersionId Version(string text) => ModelVersionId.Parse(text);

    private static OperatorReply Reply(object answer) => answer switch
    {
        RegistryReply reply => Reply(reply),
        ModelList list => OperatorReply.Done(
            list.Models.Count == 1 ? "1 version." : $"{list.Models.Count} versions.",
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
        var champion = status.Desired.Champion is { } model ? $"{model.Version} is the champion" : "There is no champion";
        return $"{champion}; {serves} of {status.Nodes.Count} inference nodes serve what they should.{(status.Alarm is { } alarm ? " " + alarm : "")}";
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

    private async Task<OperatorReply> AskAsync(object message, TimeSpan timeout) =>
        Reply(await actors.AskAsync<ModelRegistry>(Registry, NodeRoles.Control, message, timeout).ConfigureAwait(false));
}
