using System.Text.Json;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Http;

/// <summary><c>/v1/batches</c>: many images in one request; the answer is 202 and an address where the results gather.</summary>
internal sealed class BatchEndpoints(ClassificationClient client, UploadReader reader, BatchStore store, ILogger<BatchEndpoints> log)
{
    /// <summary><c>POST /v1/batches</c>.</summary>
    public async Task CreateAsync(HttpContext http, string? faces, string? include, string? aligned, string? explain)
    {
        var upload = await reader.ReadAsync(http.Request, http.RequestAborted);
        var headers = RequestParameters.ToHeaders(upload.Fields, faces, include, aligned, explain);
        if (store.TryAdd(ApiAccess.CallerOf(http), ApiAccess.ShareOf(http), upload.Images.Count, upload.Images.Sum(image => (long)image.Length)) is not { } batch)
        {
            await ApiProblems.WriteAsync(http, ErrorCodes.Overloaded, "No room for a further batch; try again later.");
            return;
        }

        // The request ends here; its images go their way without it.
        for (var i = 0; i < upload.Images.Count; i++)
        {
            _ = ProcessAsync(batch, i, upload.Images[i], headers);
        }

        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.Headers.Location = Address(batch);
        await http.Response.WriteAsJsonAsync(new BatchAccepted(batch.Id, Address(batch), batch.Items.Length, batch.Expires), http.RequestAborted);
    }

    /// <summary><c>GET /v1/batches/{id}</c>.</summary>
    public async Task ReadAsync(HttpContext http, string id)
    {
        if (store.Find(id, ApiAccess.CallerOf(http)) is not { } batch)
        {
            await ApiProblems.WriteAsync(http, ApiCodes.NotFound, "There is no such batch, or it has expired.");
            return;
        }

        http.Response.ContentType = ResultJson.ContentType;
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        Write(json, batch);
    }

    /// <summary><c>DELETE /v1/batches/{id}</c>.</summary>
    public async Task DeleteAsync(HttpContext http, string id)
    {
        if (store.Remove(id, ApiAccess.CallerOf(http)))
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else
        {
            await ApiProblems.WriteAsync(http, ApiCodes.NotFound, "There is no such batch, or it has expired.");
        }
    }

    private async Task ProcessAsync(Batch batch, int index, ReadOnlyMemory<byte> image, IReadOnlyDictionary<string, string> headers)
    {
        BatchItem item;
        try
        {
            var (messageId, answer) = await client.ClassifyInTurnAsync(batch.Share, image, headers);
            item = new BatchItem(messageId, answer);
        }
        catch (Exception e)
        {
            log.LogError(e, "An image of a batch failed");
            item = new BatchItem("", new GatewayAnswer.NotAnswered(ErrorCodes.Internal, "The image could not be processed."));
        }

        store.Set(batch, index, item, image.Length);
    }

    private static void Write(Utf8JsonWriter json, Batch batch)
    {
        json.WriteStartObject();
        json.WriteString("id", batch.Id);
        json.WriteString("status", batch.IsDone ? "done" : "running");
        json.WriteNumber("images", batch.Items.Length);
        json.WriteNumber("answered", batch.Answered);
        json.WriteString("expires", batch.Expires);
        json.WriteStartArray("results");
        foreach (var item in batch.Items)
        {
            switch (item?.Answer)
            {
                case GatewayAnswer.Answered answered:
                    json.WriteRawValue(answered.Json.Span, skipInputValidation: true);
                    break;
                case GatewayAnswer.NotAnswered refused:
                    json.WriteRawValue(
                        ResultJson.Serialize(ClassificationResult.Failed(item.MessageId, null, "", refused.Code, refused.Message)), skipInputValidation: true);
                    break;
                default:
                    json.WriteNullValue();
                    break;
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Address(Batch batch) => $"/v1/batches/{batch.Id}";
}

/// <param name="Id">The batch.</param>
/// <param name="ResultUrl">Where its results gather.</param>
/// <param name="Images">How many images it has.</param>
/// <param name="Expires">When it is forgotten.</param>
internal sealed record BatchAccepted(string Id, string ResultUrl, int Images, DateTimeOffset Expires);

/// <summary>A batch as <c>GET</c> shows it; an image without an answer yet is null.</summary>
/// <param name="Id">The batch.</param>
/// <param name="Status"><c>running</c> or <c>done</c>.</param>
/// <param name="Images">How many images it has.</param>
/// <param name="Answered">How many of them have an answer.</param>
/// <param name="Expires">When it is forgotten.</param>
/// <param name="Results">In the order of the request.</param>
internal sealed record BatchView(string Id, string Status, int Images, int Answered, DateTimeOffset Expires, IReadOnlyList<ClassificationResult?> Results);
