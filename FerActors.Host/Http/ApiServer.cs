using Akka.Actor;
using FerActors.Host.Configuration;
using FerActors.Host.Http.Fetching;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.GrpcInference;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Host.Operator;
using FerActors.Host.Web;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Http;

/// <summary>The HTTP API: a web server of its own within the node, started after the actors and stopped before them.</summary>
public sealed class ApiServer : IHostedService, IAsyncDisposable
{
    // What a form adds to an image: boundaries, headers of its parts, fields.
    private const int FormAllowance = 64 * 1024;

    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BodyGrace = TimeSpan.FromSeconds(3);

    private readonly WebApplication _app;
    private readonly ClassificationClient _client;
    private readonly ImageFetcher _fetcher;

    /// <param name="options">Validated options.</param>
    /// <param name="gateway">Finds the gateway to the broker.</param>
    /// <param name="loggers">Where the server logs; it logs neither bodies nor queries nor keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="models">Asks the model registry as an operator would; absent where nobody can.</param>
    /// <exception cref="ConfigurationException">The file of keys cannot be used.</exception>
    public ApiServer(
        FerOptions options,
        Func<IActorRef> gateway,
        ILoggerFactory loggers,
        TimeProvider? time = null,
        Func<OperatorRequest, Task<OperatorReply>>? models = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(loggers);
        var api = options.Api;
        var clock = time ?? TimeProvider.System;
        _client = new ClassificationClient(
            gateway, ImageLimits.From(options.Images), api.RequestTimeout, api.BatchParallelism, api.RememberedResults, clock);
        var access = new ApiAccess(api, new ApiKeyRing(api, loggers.CreateLogger<ApiKeyRing>(), clock), clock);
        var batches = new BatchEndpoints(
            _client,
            new UploadReader(options.Images.MaxBytes, api.MaxBatchImages, api.BodyTimeout),
            new BatchStore(api.MaxBatches, api.MaxWaitingBatchBytes, api.BatchLifetime, clock),
            loggers.CreateLogger<BatchEndpoints>());

        var model = new InferenceModel(api, _client, clock);
        var repository = models is null ? null : new ModelRepository(api.ModelName, models);

        var builder = NodeWeb.CreateBuilder(api.Addresses, loggers, kestrel => Configure(kestrel, options), api.GrpcAddresses);
        builder.Services.AddRouting();
        builder.Services.AddRequestDecompression();
        builder.Services.AddRateLimiter(access.Limit);
        builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        builder.Services.AddApiDescription();
        if (api.GrpcAddresses.Count > 0)
        {
            builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = api.MaxBatchBytes);
            builder.Services.AddSingleton(new GrpcInferenceService(options, model, repository, loggers.CreateLogger<GrpcInferenceService>(), clock));
        }

        if (api.CorsOrigins.Count > 0)
        {
            builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
                .WithOrigins([.. api.CorsOrigins])
                .WithMethods("GET", "POST", "DELETE")
                .WithHeaders("Content-Type", "Authorization", ApiAccess.KeyHeader)));
        }

        var bodies = new BodyGuard(options.Images.MaxBytes + FormAllowance);
        _app = builder.Build();
        _app.Use(new BodyDrain(clock).DrainAsync);
        _app.UseMiddleware<ApiProblems>();
        _app.Use(HardenAsync);
        new HostGuard(api.AllowedHosts, api.CorsOrigins, ApiOptions.Section).Use(
            _app, (http, status, sentence) => ApiProblems.WriteAsync(http, ApiCodes.CodeOf(status), sentence));
        _app.UseRouting();
        _app.Use(ApiReference.HardenAsync);
        if (api.CorsOrigins.Count > 0)
        {
            _app.UseCors();
        }

        _app.Use(access.IdentifyAsync);
        _app.UseRateLimiter();
        _app.Use(access.AdmitAsync);
        _app.Use(QueryGuard.CheckAsync);
        _app.Use(BodyGuard.KnowAsync);
        _app.UseRequestDecompression();
        _app.Use(bodies.BoundAsync);
        _app.Use((http, next) => GrpcBody.BoundAsync(http, api.BodyTimeout, next));
        _app.Use(access.ShareAsync);
        new InferenceEndpoints(options, model, repository).Map(_app, new BodyLimit(api.MaxBatchBytes));
        if (api.GrpcAddresses.Count > 0)
        {
            _app.MapGrpcService<GrpcInferenceService>().WithMetadata(new BodyLimit((long)api.MaxBatchBytes + FormAllowance));
        }

        _fetcher = new ImageFetcher(api, options.Images.MaxBytes);
        Map(options, new ClassifyEndpoint(_client, new UploadReader(options.Images.MaxBytes, maxImages: 1, api.BodyTimeout, _fetcher.FetchAsync)), batches);
    }

    /// <summary>What it listens on, with the ports that were free; empty before the start.</summary>
    public IReadOnlyList<Uri> Addresses => NodeWeb.AddressesOf(_app);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken);
        _app.Logger.LogInformation("The API listens on {Addresses}", string.Join(", ", Addresses));
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app.StopAsync(cancellationToken);

    public ValueTask DisposeAsync()
    {
        _fetcher.Dispose();
        return _app.DisposeAsync();
    }

    private static void Configure(KestrelServerOptions kestrel, FerOptions options)
    {
        // BodyGuard bounds each body.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = options.Api.MinBodyBytesPerSecond > 0 ? new MinDataRate(options.Api.MinBodyBytesPerSecond, BodyGrace) : null;
        kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
    }

    private static Task HardenAsync(HttpContext http, RequestDelegate next)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        return next(http);
    }

    private void Map(FerOptions options, ClassifyEndpoint classify, BatchEndpoints batches)
    {
        var several = new BodyLimit(options.Api.MaxBatchBytes);
        _app.MapPost(
                "/v1/classify",
                (HttpContext http, string? faces, string? include, string? aligned, string? explain) => classify.HandleAsync(http, faces, include, aligned, explain))
            .WithMetadata(new BodyLimit(UploadReader.JsonBytes(options.Images.MaxBytes, FormAllowance)))
            .TakesQuery(UploadReader.KnownFields)
            .DescribeUpload("classify", "Classifies the faces of one image and waits for the result.", batch: false)
            .Produces<ClassificationResult>(contentType: ResultJson.ContentType);
        _app.MapPost(
                "/v1/batches",
                (HttpContext http, string? faces, string? include, string? aligned, string? explain) => batches.CreateAsync(http, faces, include, aligned, explain))
            .WithMetadata(several)
            .TakesQuery(UploadReader.KnownFields)
            .DescribeUpload("createBatch", "Takes several images; the results gather under the address in the header Location.", batch: true)
            .Produces<BatchAccepted>(StatusCodes.Status202Accepted, ResultJson.ContentType);
        _app.MapGet("/v1/batches/{id}", (HttpContext http, string id) => batches.ReadAsync(http, id))
            .Describe("readBatch", "The results of a batch so far.")
            .Produces<BatchView>(contentType: ResultJson.ContentType);
        _app.MapDelete("/v1/batches/{id}", (HttpContext http, string id) => batches.DeleteAsync(http, id))
            .Describe("deleteBatch", "Forgets a batch and its results.")
            .Produces(StatusCodes.Status204NoContent);
        var feedback = new FeedbackEndpoint(_client, options.Api.BodyTimeout);
        _app.MapPost("/v1/feedback", (Delegate)feedback.HandleAsync)
            .Describe("feedback", "Says what the expression of a classified face is; answers once the broker has it.")
            .Accepts<FeedbackBody>(ResultJson.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .Produces<FeedbackBody>(StatusCodes.Status202Accepted, ResultJson.ContentType);
        UploadPage.Map(_app);
        ApiReference.Map(_app);
        _app.MapOpenApi("/openapi/{documentName}.json").WithMetadata(OpenToAll.Instance);
    }
}
