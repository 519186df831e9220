using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Http;

/// <summary><c>POST /v1/classify</c>: one image in, its result out.</summary>
internal sealed class ClassifyEndpoint(ClassificationClient client, UploadReader reader)
{
    public async Task HandleAsync(HttpContext http, string? faces, string? include, string? aligned, string? explain)
    {
        var upload = await reader.ReadAsync(http.Request, http.RequestAborted);
        var headers = RequestParameters.ToHeaders(upload.Fields, faces, include, aligned, explain);
        var (messageId, answer) = await client.ClassifyAsync(upload.Images[0], headers);
        switch (answer)
        {
            case GatewayAnswer.Answered { Result.Error: { } error }:
                await ApiProblems.WriteAsync(http, error.Code, error.Message, messageId: messageId);
                break;
            case GatewayAnswer.Answered answered:
                http.Response.ContentType = ResultJson.ContentType;
                http.Response.ContentLength = answered.Json.Length;
                await http.Response.Body.WriteAsync(answered.Json, http.RequestAborted);
                break;
            case GatewayAnswer.NotAnswered refused:
                await ApiProblems.WriteAsync(http, refused.Code, refused.Message, messageId: messageId);
                break;
        }
    }
}
