using System.Globalization;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// The REST side of the Open Inference Protocol, version 2, which clients of Triton and KServe speak: health, metadata, inference, and
/// Triton's extensions. Errors are <c>{"error": "..."}</c> there, and not problems.
/// </summary>
internal sealed class InferenceEndpoints(FerOptions options, InferenceModel model, ModelRepository? repository)
{
    private const string JsonLengthHeader = "Inference-Header-Content-Length";
    private const int RepositoryBodyBytes = 64 * 1024;

    private readonly ApiOptions _api = options.Api;
    private readonly InferenceRequestReader _reader = new(options.Images.MaxBytes, options.Api.MaxBatchImages);

    /// <summary>Adds the endpoints.</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="bodyLimit">The limit on a request's body.</param>
    public void Map(IEndpointRouteBuilder routes, BodyLimit bodyLimit)
    {
        const string one = "/v2/models/{name}";
        const string version = one + "/versions/{version}";
        routes.MapGet(ApiProblems.InferencePath, () => TypedResults.Json(InferenceModel.Server))
            .DescribeInference<ServerMetadata>("serverMetadata", "The server and its extensions of the Open Inference Protocol.");
        routes.MapGet("/v2/health/live", () => TypedResults.Json(new ServerLive(true)))
            .DescribeInference<ServerLive>("serverLive", "Answers while the server runs.").WithMetadata(OpenToAll.Instance);
        routes.MapGet("/v2/health/ready", (Delegate)ReadyAsync)
            .DescribeInference<ServerReady>("serverReady", "200 while images can be published, 503 otherwise.").WithMetadata(OpenToAll.Instance);
        routes.MapGet(one, (string name) => TypedResults.Json(model.Metadata(name, null)))
            .DescribeInference<ModelMetadata>("modelMetadata", "Inputs and outputs of the model.");
        routes.MapGet(version, (string name, string version) => TypedResults.Json(model.Metadata(name, version)))
            .DescribeInference<ModelMetadata>("modelVersionMetadata", "The same of the version that serves.");
        routes.MapGet(one + "/ready", (HttpContext http, string name) => ReadyOfAsync(http, name, null))
            .DescribeInference<ServerReady>("modelReady", "As v2/health/ready.");
        routes.MapGet(version + "/ready", (HttpContext http, string name, string version) => ReadyOfAsync(http, name, version))
            .DescribeInference<ServerReady>("modelVersionReady", "The same of the version that serves.");
        routes.MapGet(one + "/config", (string name) => TypedResults.Json(model.Configuration(name, null)))
            .DescribeInference<ModelConfiguration>("modelConfiguration", "Triton's configuration of the model.");
        routes.MapGet(version + "/config", (string name, string version) => TypedResults.Json(model.Configuration(name, version)))
            .DescribeInference<ModelConfiguration>("modelVersionConfiguration", "The same of the version that serves.");
        routes.MapGet("/v2/models/stats", () => TypedResults.Json(model.Statistics(null, null)))
            .DescribeInference<StatisticsView>("statistics", "Counts and times of this node's requests of the protocol, by version.");
        routes.MapGet(one + "/stats", (string name) => TypedResults.Json(model.Statistics(name, null)))
            .DescribeInference<StatisticsView>("modelStatistics", "The same of one model.");
        routes.MapGet(version + "/stats", (string name, string version) => TypedResults.Json(model.Statistics(name, version)))
            .DescribeInference<StatisticsView>("modelVersionStatistics", "The same of one version.");
        routes.MapPost(one + "/infer", (HttpContext http, string name) => InferAsync(http, name, null))
            .DescribeInference<InferenceResponseBody>("infer", "Classifies encoded images (BYTES) or pixels (UINT8).")
            .DescribeInferenceBody<InferenceRequestBody>().WithMetadata(bodyLimit);
        routes.MapPost(version + "/infer", (HttpContext http, string name, string version) => InferAsync(http, name, version))
            .DescribeInference<InferenceResponseBody>("inferVersion", "The same; 404 where another version answers.")
            .DescribeInferenceBody<InferenceRequestBody>().WithMetadata(bodyLimit);
        MapRepository(routes);
    }

    private void MapRepository(IEndpointRouteBuilder routes)
    {
        var limit = new BodyLimit(RepositoryBodyBytes);
        routes.MapPost("/v2/repository/index", (Delegate)IndexAsync)
            .DescribeInference<IReadOnlyList<RepositoryEntry>>("repositoryIndex", "The registered versions, and which of them answer.")
            .DescribeInferenceBody<RepositoryIndexRequestBody>(binary: false).WithMetadata(limit);
        routes.MapPost("/v2/repository/models/{name}/load", async (HttpContext http, string name) =>
                TypedResults.Json(new RepositoryChanged(await ChangeAsync(http, name, (models, change) => models.LoadAsync(change)))))
            .DescribeInference<RepositoryChanged>("repositoryLoad", "Promotes a registered version, or makes it the canary or the shadow. Needs a key with the right models.")
            .DescribeInferenceBody<RepositoryChangeBody>(binary: false).WithMetadata(limit);
        routes.MapPost("/v2/repository/models/{name}/unload", async (HttpContext http, string name) =>
                TypedResults.Json(new RepositoryChanged(await ChangeAsync(http, name, (models, change) => models.UnloadAsync(change)))))
            .DescribeInference<RepositoryChanged>("repositoryUnload", "Ends the canary or the shadow. Needs a key with the right models.")
            .DescribeInferenceBody<RepositoryChangeBody>(binary: false).WithMetadata(limit);
    }

    private async Task<JsonHttpResult<IReadOnlyList<RepositoryEntry>>> IndexAsync(HttpContext http)
    {
        var readyOnly = RepositoryRequestReader.ReadReadyOnly(await BodyAsync(http, RepositoryBodyBytes));
        return TypedResults.Json(await Repository().IndexAsync(readyOnly));
    }

    private async Task<string> ChangeAsync(HttpContext http, string name, Func<ModelRepository, RepositoryChange, Task<string>> change)
    {
        ApiAccess.Require(http, ApiKeyLine.ModelsRight);
        model.CheckName(name);
        return await change(Repository(), RepositoryRequestReader.ReadChange(await BodyAsync(http, RepositoryBodyBytes)));
    }

    private ModelRepository Repository() =>
        repository ?? throw new ApiException(ApiCodes.RegistryUnavailable, "This node has no way to the model registry.");

    private async Task InferAsync(HttpContext http, string name, string? version)
    {
        model.CheckName(name);
        var request = _reader.Read(await BodyAsync(http, _api.MaxBatchBytes), JsonLength(http.Request));
        var answer = await model.InferAsync(ApiAccess.ShareOf(http), request, version);
        var (json, tail) = InferenceResponse.Write(model.Name, request, answer);
        var response = http.Response;
        response.ContentType = tail is null ? ResultJson.ContentType : "application/octet-stream";
        response.ContentLength = json.Length + (tail?.Sum(bytes => (long)bytes.Length) ?? 0);
        if (tail is not null)
        {
            response.Headers[JsonLengthHeader] = json.Length.ToString(CultureInfo.InvariantCulture);
        }

        await response.Body.WriteAsync(json, http.RequestAborted);
        foreach (var bytes in tail ?? [])
        {
            await response.Body.WriteAsync(bytes, http.RequestAborted);
        }
    }

    private Task<ReadOnlyMemory<byte>> BodyAsync(HttpContext http, int most) =>
        UploadReader.ReadBytesAsync(http.Request, most, _api.BodyTimeout, http.RequestAborted);

    private Task ReadyOfAsync(HttpContext http, string name, string? version)
    {
        model.Check(name, version);
        return ReadyAsync(http);
    }

    private async Task ReadyAsync(HttpContext http)
    {
        var ready = await model.IsReadyAsync();
        http.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await http.Response.WriteAsJsonAsync(new ServerReady(ready));
    }

    private static int? JsonLength(HttpRequest request) => request.Headers[JsonLengthHeader] switch
    {
        [] => null,
        [{ } text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) => length,
        _ => throw new ApiException(ApiCodes.InvalidRequest, $"The header {JsonLengthHeader} must be one number."),
    };
}
