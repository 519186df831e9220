using System.Globalization;
using System.Text.Json;
using FerActors.Host.Http.Requests;
using FerActors.Host.Http.Gateway;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// The REST side of the Open Inference Protocol, version 2, which clients of Triton and KServe speak: health, metadata, inference.
/// Errors are <c>{"error": "..."}</c> there, and not problems.
/// </summary>
internal sealed class InferenceEndpoints(FerOptions options, ClassificationClient client)
{
    private const string JsonLengthHeader = "Inference-Header-Content-Length";

    private readonly ApiOptions _api = options.Api;
    private readonly InferenceRequestReader _reader = new(options.Images.MaxBytes, options.Api.MaxBatchImages);

    /// <summary>Adds the endpoints.</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="bodyLimit">The limit on a request's body.</param>
    public void Map(IEndpointRouteBuilder routes, BodyLimit bodyLimit)
    {
        const string model = "/v2/models/{name}";
        const string version = model + "/versions/{version}";
        routes.MapGet(ApiProblems.InferencePath, () => TypedResults.Json(new ServerMetadata(
                "feractors", typeof(InferenceEndpoints).Assembly.GetName().Version?.ToString(3) ?? "", ["binary_tensor_data", "classification"])))
            .DescribeInference<ServerMetadata>("serverMetadata", "The server and its extensions of the Open Inference Protocol.");
        routes.MapGet("/v2/health/live", () => TypedResults.Json(new ServerLive(true)))
            .DescribeInference<ServerLive>("serverLive", "Answers while the server runs.").WithMetadata(OpenToAll.Instance);
        routes.MapGet("/v2/health/ready", (Delegate)ReadyAsync)
            .DescribeInference<ServerReady>("serverReady", "200 while images can be published, 503 otherwise.").WithMetadata(OpenToAll.Instance);
        routes.MapGet(model, (string name) => MetadataOf(name, null)).DescribeInference<ModelMetadata>("modelMetadata", "Inputs and outputs of the model.");
        routes.MapGet(version, (string name, string version) => MetadataOf(name, version))
            .DescribeInference<ModelMetadata>("modelVersionMetadata", "The same of the version that serves.");
        routes.MapGet(model + "/ready", (HttpContext http, string name) => ReadyOfAsync(http, name, null))
            .DescribeInference<ServerReady>("modelReady", "As v2/health/ready.");
        routes.MapGet(version + "/ready", (HttpContext http, string name, string version) => ReadyOfAsync(http, name, version))
            .DescribeInference<ServerReady>("modelVersionReady", "The same of the version that serves.");
        routes.MapPost(model + "/infer", (HttpContext http, string name) => InferAsync(http, name, null))
            .DescribeInference<InferenceResponseBody>("infer", "Classifies encoded images (BYTES) or pixels (UINT8).")
            .DescribeInferenceBody<InferenceRequestBody>().WithMetadata(bodyLimit);
        routes.MapPost(version + "/infer", (HttpContext http, string name, string version) => InferAsync(http, name, version))
            .DescribeInference<InferenceResponseBody>("inferVersion", "The same; 404 where another version answers.")
            .DescribeInferenceBody<InferenceRequestBody>().WithMetadata(bodyLimit);
    }

    private async Task InferAsync(HttpContext http, string name, string? version)
    {
        CheckName(name);
        var body = await UploadReader.ReadBytesAsync(http.Request, _api.MaxBatchBytes, _api.BodyTimeout, http.RequestAborted);
        var request = _reader.Read(body, JsonLength(http.Request));
        var share = ApiAccess.ShareOf(http);
        var answers = await Task.WhenAll(request.Images.Select(image => client.ClassifyInTurnAsync(share, image, request.Headers)));
        var results = new List<ClassificationResult>();
        foreach (var (_, answer) in answers)
        {
            switch (answer)
            {
                case GatewayAnswer.Answered { Result.Error: { } error }:
                    throw new ApiException(error.Code, $"Image {results.Count}: {error.Message}");
                case GatewayAnswer.NotAnswered refused:
                    throw new ApiException(refused.Code, $"Image {results.Count}: {refused.Message}");
                // Which version serves is known by its answer alone: it may have changed a moment ago.
                case GatewayAnswer.Answered { Result.Model.Version: { } other } when version is not null && other != version:
                    throw NoVersion(version, other);
                case GatewayAnswer.Answered answered:
                    results.Add(answered.Result);
                    break;
            }
        }

        http.Response.ContentType = ResultJson.ContentType;
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        InferenceOutputs.Write(json, _api.ModelName, request, results);
    }

    private JsonHttpResult<ModelMetadata> MetadataOf(string name, string? version)
    {
        CheckNameAndVersion(name, version);

        // Which versions serve is the nodes' business, and may change at any moment: the one that answered last is named.
        return TypedResults.Json(new ModelMetadata(
            _api.ModelName,
            client.LastModel is { } model ? [model.Version] : [],
            "feractors",
            [new TensorMetadata(InferenceRequestReader.InputName, "BYTES", [-1])],
            InferenceOutputs.All));
    }

    private Task ReadyOfAsync(HttpContext http, string name, string? version)
    {
        CheckNameAndVersion(name, version);
        return ReadyAsync(http);
    }

    private async Task ReadyAsync(HttpContext http)
    {
        var ready = await client.StatusAsync() is { Connected: true, Blocked: false };
        http.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await http.Response.WriteAsJsonAsync(new ServerReady(ready));
    }

    private static int? JsonLength(HttpRequest request) => request.Headers[JsonLengthHeader] switch
    {
        [] => null,
        [{ } text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) => length,
        _ => throw new ApiException(ApiCodes.InvalidRequest, $"The header {JsonLengthHeader} must be one number."),
    };

    private void CheckName(string name)
    {
        if (!string.Equals(name, _api.ModelName, StringComparison.Ordinal))
        {
            throw new ApiException(ApiCodes.NotFound, $"The model is called {_api.ModelName}.");
        }
    }

    // Before the first answer no version is known, and none is wrong.
    private void CheckNameAndVersion(string name, string? version)
    {
        CheckName(name);
        if (version is not null && client.LastModel is { } last && last.Version != version)
        {
            throw NoVersion(version, last.Version);
        }
    }

    private static ApiException NoVersion(string asked, string serves) => new(
        ApiCodes.NotFound, $"Version {UntrustedText.Shown(asked)} does not serve; {serves} does. Which one does is decided by promotion, and a path without a version takes it.");
}
