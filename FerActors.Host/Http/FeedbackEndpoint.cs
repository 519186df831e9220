using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Feedback;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Http;

/// <summary><c>POST /v1/feedback</c>: a person's word on a face, put into the queue of feedback; 202 once the broker has it.</summary>
internal sealed class FeedbackEndpoint(ClassificationClient client, TimeSpan bodyTimeout)
{
    // Whose feedback it is where neither a key nor the message says so.
    private const string Nobody = "api";

    public async Task HandleAsync(HttpContext http)
    {
        var body = await UploadReader.ReadBytesAsync(http.Request, FeedbackFields.MaxBytes, bodyTimeout, http.RequestAborted);
        if (!FeedbackFields.TryRead(body, out var fields, out var fault))
        {
            throw new ApiException(ApiCodes.InvalidRequest, $"The feedback cannot be used. {fault}");
        }

        var feedback = Complete(fields! with { Source = fields!.Source ?? ApiAccess.CallerOf(http) ?? Nobody });
        if (await client.SendFeedbackAsync(feedback) is { } refusal)
        {
            await ApiProblems.WriteAsync(http, refusal.Code, refusal.Message, messageId: feedback.MessageId);
            return;
        }

        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.ContentType = ResultJson.ContentType;
        await http.Response.Body.WriteAsync(FeedbackFields.Write(feedback), http.RequestAborted);
    }

    // What this node itself has answered is known; of other results the client must say what they said.
    private FaceFeedback Complete(FeedbackFields fields)
    {
        if (client.Answered(fields.MessageId) is not { } answered)
        {
            return fields.TryComplete(out var given, out var absent)
                ? given!
                : throw new ApiException(
                    ApiCodes.UnknownResult, $"This node does not remember such a result; send what it said along (predicted, model_version). {absent}");
        }

        if (fields.Face >= answered.Labels.Count)
        {
            throw new ApiException(ApiCodes.InvalidRequest, $"The result has {answered.Labels.Count} faces; face counts from 0.");
        }

        var (predicted, version) = (answered.Labels[fields.Face], answered.ModelVersion);
        return (fields.Predicted ?? predicted) == predicted && (fields.ModelVersion ?? version) == version
            ? new FaceFeedback(fields.MessageId, fields.Face, fields.Label, predicted, version, fields.Source!)
            : throw new ApiException(ApiCodes.InvalidRequest, $"The result said {predicted} of this face, by version {version}.");
    }
}

/// <summary>The body of <c>POST /v1/feedback</c>, for the description.</summary>
/// <param name="MessageId">The id of the result.</param>
/// <param name="Face">The face's place in the result, from 0.</param>
/// <param name="Label">What the expression is, by name.</param>
/// <param name="Source">Who says so; the key's owner by default.</param>
/// <param name="Predicted">What the result said; needed where another node answered.</param>
/// <param name="ModelVersion">The version that said it; likewise.</param>
internal sealed record FeedbackBody(string MessageId, int Face, string Label, string? Source, string? Predicted, string? ModelVersion);
