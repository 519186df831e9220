using System.Globalization;
using System.Text.Json;
using FerActors.Host.Api;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace FerActors.Host.OpenInference;

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
    public void Map(IEndpointRouteBuilder routes, IRequestSizeLimitMetadata bodyLimit)
    {
        routes.MapGet(ApiProblems.InferencePath, () => Results.Json(new Dictionary<string, object>
        {
            ["name"] = "feractors",
            ["version"] = typeof(InferenceEndpoints).Assembly.GetName().Version?.ToString(3) ?? "",
            ["extensions"] = new[] { "binary_tensor_data", "classification" },
        })).Describe("serverMetadata", "The server and its extensions of the Open Inference Protocol.");
        routes.MapGet("/v2/health/live", () => Results.Json(new Dictionary<string, bool> { ["live"] = true }))
            .Describe("serverLive", "Answers while the server runs.").WithMetadata(OpenToAll.Instance);
        routes.MapGet("/v2/health/ready", (Delegate)ReadyAsync)
            .Describe("serverReady", "200 while images can be published, 503 otherwise.").WithMetadata(OpenToAll.Instance);
        routes.MapGet("/v2/models/{name}", (string name) => Known(name) ? Results.Json(Metadata()) : Unknown(name))
            .Describe("modelMetadata", "Inputs and outputs of the model.");
        routes.MapGet("/v2/models/{name}/ready", (HttpContext http, string name) => Known(name) ? ReadyAsync(http) : Unknown(name).ExecuteAsync(http))
            .Describe("modelReady", "As v2/health/ready.");
        routes.MapPost("/v2/models/{name}/infer", InferAsync)
            .Describe("infer", "Classifies encoded images (BYTES) or pixels (UINT8).").WithMetadata(bodyLimit);
    }

    private async Task InferAsync(HttpContext http, string name)
    {
        if (!Known(name))
        {
            await Unknown(name).ExecuteAsync(http);
            return;
        }

        var body = await UploadReader.ReadBytesAsync(http.Request, _api.MaxBatchBytes, _api.BodyTimeout, http.RequestAborted);
        var request = _reader.Read(body, JsonLength(http.Request));
        var answers = await Task.WhenAll(request.Images.Select(image => client.ClassifyInTurnAsync(image, request.Headers)));
        var results = new List<ClassificationResult>();
        foreach (var (_, answer) in answers)
        {
            switch (answer)
            {
                case GatewayAnswer.Answered { Result.Error: { } error }:
                    throw new ApiException(error.Code, $"Image {results.Count}: {error.Message}");
                case GatewayAnswer.NotAnswered refused:
                    throw new ApiException(refused.Code, $"Image {results.Count}: {refused.Message}");
                case GatewayAnswer.Answered answered:
                    results.Add(answered.Result);
                    break;
            }
        }

        http.Response.ContentType = ResultJson.ContentType;
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        InferenceOutputs.Write(json, _api.ModelName, request, results);
    }

    private async Task ReadyAsync(HttpContext http)
    {
        var ready = await client.StatusAsync() is { Connected: true, Blocked: false };
        http.Response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await http.Response.WriteAsJsonAsync(new Dictionary<string, bool> { ["ready"] = ready });
    }

    private static int? JsonLength(HttpRequest request) => request.Headers[JsonLengthHeader] switch
    {
        [] => null,
        [{ } text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) => length,
        _ => throw new ApiException(ApiCodes.InvalidRequest, $"The header {JsonLengthHeader} must be one number."),
    };

    // Which versions serve is the nodes' business, and may change at any moment: the one that answered last is named.
    private ModelMetadata Metadata() => new(
        _api.ModelName,
        client.LastModel is { } model ? [model.Version] : [],
        "feractors",
        [new TensorMetadata(InferenceRequestReader.InputName, "BYTES", [-1])],
        InferenceOutputs.All);

    private bool Known(string name) => string.Equals(name, _api.ModelName, StringComparison.Ordinal);

    private IResult Unknown(string name) => Results.Json(
        new Dictionary<string, string> { ["error"] = $"The model is called {_api.ModelName}." }, statusCode: StatusCodes.Status404NotFound);

    private sealed record ModelMetadata(
        string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorMetadata> Inputs, IReadOnlyList<TensorMetadata> Outputs);
}
