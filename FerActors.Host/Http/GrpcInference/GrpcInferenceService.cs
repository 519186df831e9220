using FerActors.Host.Http.GrpcInference.Protocol;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Http.GrpcInference;

/// <summary>
/// The Open Inference Protocol over gRPC. Keys, limits and fair shares are those of HTTP: both go through one chain of middleware. What a
/// client's deadline leaves is how long its images wait in the queue.
/// </summary>
internal sealed class GrpcInferenceService(FerOptions options, InferenceModel model, ModelRepository? repository, ILogger log, TimeProvider time)
    : GRPCInferenceService.GRPCInferenceServiceBase
{
    private readonly GrpcRequestReader _reader = new(options.Images.MaxBytes, options.Api.MaxBatchImages);

    [OpenToAll]
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    [OpenToAll]
    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        AnswerAsync(async () => new ServerReadyResponse { Ready = await model.IsReadyAsync() });

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        model.Check(request.Name, Given(request.Version));
        return new ModelReadyResponse { Ready = await model.IsReadyAsync() };
    });

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(GrpcViews.Of(InferenceModel.Server));

    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context) =>
        AnswerAsync(() => Task.FromResult(GrpcViews.Of(model.Metadata(request.Name, Given(request.Version)))));

    public override Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context) =>
        AnswerAsync(() => Task.FromResult(new ModelConfigResponse { Config = GrpcViews.Of(model.Configuration(request.Name, Given(request.Version))) }));

    public override Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context) =>
        AnswerAsync(() => Task.FromResult(GrpcViews.Of(model.Statistics(Given(request.Name), Given(request.Version)))));

    public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context) => AnswerAsync(async () =>
    {
        model.CheckName(request.ModelName);
        var read = _reader.Read(request);
        var answer = await model.InferAsync(ApiAccess.ShareOf(context.GetHttpContext()), read, Given(request.ModelVersion), Patience(context));
        return GrpcViews.Of(model.Name, read, answer);
    });

    public override Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context) =>
        AnswerAsync(async () => GrpcViews.Of(await Repository().IndexAsync(request.Ready)));

    public override Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context) =>
        AnswerAsync(async () =>
        {
            ApiAccess.Require(context.GetHttpContext(), ApiKeyLine.ModelsRight);
            model.CheckName(request.ModelName);
            await Repository().LoadAsync(GrpcViews.Change(request.Parameters));
            return new RepositoryModelLoadResponse();
        });

    public override Task<RepositoryModelUnloadResponse> RepositoryModelUnload(RepositoryModelUnloadRequest request, ServerCallContext context) =>
        AnswerAsync(async () =>
        {
            ApiAccess.Require(context.GetHttpContext(), ApiKeyLine.ModelsRight);
            model.CheckName(request.ModelName);
            await Repository().UnloadAsync(GrpcViews.Change(request.Parameters));
            return new RepositoryModelUnloadResponse();
        });

    private static string? Given(string text) => text.Length > 0 ? text : null;

    private ModelRepository Repository() =>
        repository ?? throw new ApiException(ApiCodes.RegistryUnavailable, "This node has no way to the model registry.");

    private TimeSpan? Patience(ServerCallContext context)
    {
        if (context.Deadline == DateTime.MaxValue)
        {
            return null;
        }

        var left = context.Deadline - time.GetUtcNow().UtcDateTime;
        return left > TimeSpan.Zero ? left : throw new ApiException(ApiCodes.Timeout, "The call's deadline has passed.");
    }

    private async Task<T> AnswerAsync<T>(Func<Task<T>> answer)
    {
        try
        {
            return await answer();
        }
        catch (ApiException e)
        {
            throw new RpcException(new Status((StatusCode)GrpcAnswers.StatusOf(e.Code), GrpcAnswers.Message(e.Code, e.Message)));
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            log.LogError(e, "A call by gRPC failed");
            throw new RpcException(new Status(StatusCode.Internal, GrpcAnswers.Message(ErrorCodes.Internal, "The request could not be carried out.")));
        }
    }
}
