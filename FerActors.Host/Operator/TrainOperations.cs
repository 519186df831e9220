using System.Text.Json;
using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Host.Operator;

/// <summary>Asks the training supervisor, and the registry where a run's model is promoted.</summary>
internal sealed class TrainOperations(ActorQuestions actors, TimeSpan answerTimeout, TimeSpan workTimeout)
{
    private const string Supervisor = "the training supervisor";

    // Each page is one message; a supervisor that always has more must not keep us for ever.
    private const int MaxPages = 1000;

    private readonly ModelOperations _models = new(actors, answerTimeout, workTimeout);

    /// <summary>The reply, or <see langword="null"/> where the request is not the supervisor's.</summary>
    /// <exception cref="FormatException">An id or a name is none.</exception>
    /// <exception cref="NoAnswerException">The supervisor did not answer.</exception>
    public Task<OperatorReply>? ExecuteAsync(OperatorRequest request) => request switch
    {
        TrainRequests.Submit c => AskAsync(new TrainingCommands.Submit(Spec(c))),
        TrainRequests.List => ListAsync(),
        TrainRequests.Describe q => AskAsync(new TrainingQueries.Describe(RunId.Parse(q.Id))),
        TrainRequests.Cancel c => AskAsync(new TrainingCommands.Cancel(RunId.Parse(c.Id))),
        TrainRequests.Pause c => AskAsync(new TrainingCommands.Pause(RunId.Parse(c.Id))),
        TrainRequests.Resume c => AskAsync(new TrainingCommands.Resume(RunId.Parse(c.Id))),
        TrainRequests.Delete c => AskAsync(new TrainingCommands.Delete(RunId.Parse(c.Id))),
        TrainRequests.Promote c => PromoteAsync(RunId.Parse(c.Id), c.Force),
        _ => null,
    };

    /// <summary>Why a run's model cannot be promoted, or <see langword="null"/> where it can.</summary>
    internal static string? WhyNotPromoted(RunView view) => view switch
    {
        { Run: { State: not RunState.Registered } run } => $"Run '{run.Spec.Id}' is {run.State}: it has no finished model to promote.",
        { Run: { Confirmed: false } run, Refusal: { } why, RefusalIsFinal: true } =>
            $"Run '{run.Spec.Id}' is finished, but the registry does not take its model: {why} The model is in {run.ModelFolder}: "
            + $"'fer model register NAME FOLDER' registers it under another name, and 'fer train cancel {run.Spec.Id}' gives the run's name up.",
        { Run: { Confirmed: false } run } =>
            $"Run '{run.Spec.Id}' is finished, but the registry does not have its model yet{(view.Refusal is { } why ? $": {why}" : ".")}",
        _ => null,
    };

    // In one form whatever the spaces of the text, so that a repeated submission is recognised as the same.
    private static RunSpec Spec(TrainRequests.Submit submit) => new(
        RunId.Parse(submit.Id),
        submit.Name,
        submit.Options is { } options ? JsonSerializer.Serialize(options) : "{}",
        submit.Data,
        submit.InitFrom,
        submit.Priority,
        ModelVersionId.Parse(submit.ModelVersion));

    private static OperatorReply Reply(CommandResult result) => new(
        result.Code is CommandCode.Accepted or CommandCode.NoChange ? OperatorOutcome.Done : OperatorOutcome.Refused,
        result.Code switch
        {
            CommandCode.Accepted => "done",
            CommandCode.NoChange => "unchanged",
            var code => OperatorCodes.Of(code),
        },
        result.Sentence,
        result.Run is { } view ? Details(view) : null);

    private static RunSummary Summary(RunView view) => new(
        view.Run.Spec.Id.Value,
        view.Run.Spec.Name,
        view.Run.State,
        view.Run.Wish,
        view.Run.Spec.Priority,
        view.Run.Spec.ModelVersion.Value,
        view.Run.Node,
        view.Run.Attempt,
        view.Run.SubmittedAt,
        view.Run.ChangedAt,
        view.Run.Confirmed,
        view.Run.Failure,
        view.Run.ModelFolder,
        view.Run.LastEpoch,
        view.Progress,
        view.Refusal,
        view.RefusalIsFinal);

    private static RunDetailsView Details(RunView view) =>
        new(Summary(view), view.Run.Spec.DataPath, view.Run.Spec.InitFrom, Options(view.Run.Spec.OptionsJson));

    private static JsonElement? Options(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static OperatorReply Unknown(object answer) =>
        OperatorReply.NoAnswer($"The training supervisor answered something unknown, {answer.GetType().Name}; is it of another version?");

    private async Task<OperatorReply> AskAsync(object message)
    {
        var answer = await QuestionAsync(message).ConfigureAwait(false);
        return answer is CommandResult result ? Reply(result) : Unknown(answer);
    }

    private Task<object> QuestionAsync(object message) =>
        actors.AskAsync<TrainingSupervisor>(Supervisor, NodeRoles.Training, message, answerTimeout);

    private async Task<OperatorReply> ListAsync()
    {
        var runs = new List<RunSummary>();
        var after = 0L;
        for (var page = 0; page < MaxPages; page++)
        {
            var answer = await QuestionAsync(new TrainingQueries.List(after)).ConfigureAwait(false);
            if (answer is not RunList list)
            {
                return Unknown(answer);
            }

            runs.AddRange(list.Runs.Select(Summary));
            if (!list.More || list.Runs.Count == 0)
            {
                break;
            }

            after = list.Runs[^1].Run.Order;
        }

        return OperatorReply.Done(runs.Count == 1 ? "1 run." : $"{runs.Count} runs.", new RunsView(runs));
    }

    private async Task<OperatorReply> PromoteAsync(RunId id, bool force)
    {
        var answer = await QuestionAsync(new TrainingQueries.Describe(id)).ConfigureAwait(false);
        if (answer is not CommandResult result)
        {
            return Unknown(answer);
        }

        if (result.Run is not { } view)
        {
            return Reply(result);
        }

        return WhyNotPromoted(view) is { } why
            ? OperatorReply.Refused(why)
            : await _models.PromoteAsync(view.Run.Spec.ModelVersion, force).ConfigureAwait(false);
    }
}
