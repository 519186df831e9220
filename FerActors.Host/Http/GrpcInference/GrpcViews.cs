using System.Globalization;
using FerActors.Host.Http.GrpcInference.Protocol;
using FerActors.Host.Http.OpenInference;
using Google.Protobuf;
using ModelStatistics = FerActors.Host.Http.GrpcInference.Protocol.ModelStatistics;
using StatisticDuration = FerActors.Host.Http.GrpcInference.Protocol.StatisticDuration;

namespace FerActors.Host.Http.GrpcInference;

/// <summary>Answers of the protocol as its messages of gRPC.</summary>
internal static class GrpcViews
{
    private static readonly Dictionary<string, DataType> Types = new Dictionary<string, DataType>
    {
        ["TYPE_STRING"] = DataType.TypeString,
        ["TYPE_FP32"] = DataType.TypeFp32,
        ["TYPE_INT64"] = DataType.TypeInt64,
    };

    public static ServerMetadataResponse Of(ServerMetadata server) =>
        new() { Name = server.Name, Version = server.Version, Extensions = { server.Extensions.Where(name => name != "binary_tensor_data") } };

    public static ModelMetadataResponse Of(ModelMetadata model) => new()
    {
        Name = model.Name,
        Versions = { model.Versions },
        Platform = model.Platform,
        Inputs = { model.Inputs.Select(Of) },
        Outputs = { model.Outputs.Select(Of) },
    };

    public static ModelConfig Of(ModelConfiguration model)
    {
        var config = new ModelConfig
        {
            Name = model.Name,
            Platform = model.Platform,
            Backend = model.Backend,
            MaxBatchSize = model.MaxBatchSize,
            Input = { model.Input.Select(tensor => new ModelInput { Name = tensor.Name, DataType = Types[tensor.DataType], Dims = { Dims(tensor) } }) },
            Output = { model.Output.Select(tensor => new ModelOutput { Name = tensor.Name, DataType = Types[tensor.DataType], Dims = { Dims(tensor) } }) },
            ModelTransactionPolicy = new ModelTransactionPolicy { Decoupled = model.ModelTransactionPolicy.Decoupled },
        };
        foreach (var (name, text) in model.Parameters)
        {
            config.Parameters.Add(name, new ModelParameter { StringValue = text.StringValue });
        }

        return config;
    }

    public static ModelStatisticsResponse Of(StatisticsView view) => new()
    {
        ModelStats =
        {
            view.ModelStats.Select(stats => new ModelStatistics
            {
                Name = stats.Name,
                Version = stats.Version,
                LastInference = (ulong)stats.LastInference,
                InferenceCount = (ulong)stats.InferenceCount,
                ExecutionCount = (ulong)stats.ExecutionCount,
                InferenceStats = new InferStatistics
                {
                    Success = Of(stats.InferenceStats.Success),
                    Fail = Of(stats.InferenceStats.Fail),
                    Queue = Of(stats.InferenceStats.Queue),
                    ComputeInput = Of(stats.InferenceStats.ComputeInput),
                    ComputeInfer = Of(stats.InferenceStats.ComputeInfer),
                    ComputeOutput = Of(stats.InferenceStats.ComputeOutput),
                    CacheHit = Of(stats.InferenceStats.CacheHit),
                    CacheMiss = Of(stats.InferenceStats.CacheMiss),
                },
            }),
        },
    };

    public static RepositoryIndexResponse Of(IReadOnlyList<RepositoryEntry> entries) => new()
    {
        Models =
        {
            entries.Select(entry => new RepositoryIndexResponse.Types.ModelIndex
            {
                Name = entry.Name, Version = entry.Version, State = entry.State, Reason = entry.Reason,
            }),
        },
    };

    /// <summary>The answer to an inference request; its tensors are raw, which every client of Triton reads.</summary>
    public static ModelInferResponse Of(string modelName, InferenceRequest request, InferenceAnswer answer) => new()
    {
        ModelName = modelName,
        ModelVersion = answer.Version,
        Id = request.Id ?? "",
        Outputs =
        {
            answer.Outputs.Select(tensor => new ModelInferResponse.Types.InferOutputTensor
            {
                Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape },
            }),
        },
        RawOutputContents = { answer.Outputs.Select(tensor => UnsafeByteOperations.UnsafeWrap(tensor.ToBytes())) },
    };

    /// <summary>What a client wants of the repository, from the parameters of its request.</summary>
    public static RepositoryChange Change(IReadOnlyDictionary<string, ModelRepositoryParameter> parameters)
    {
        if (parameters.Keys.Any(name => name.StartsWith("file:", StringComparison.Ordinal)))
        {
            throw JsonMember.Invalid(RepositoryRequestReader.NoFiles);
        }

        var own = RepositoryRequestReader.Change(name => parameters.TryGetValue(name, out var value) ? Text(value) : null);
        var configured = parameters.TryGetValue("config", out var config) ? RepositoryRequestReader.Configured(config.StringParam) : null;
        return new RepositoryChange(own.Version ?? configured?.Version, own.Role ?? configured?.Role, own.Share ?? configured?.Share);
    }

    private static string Text(ModelRepositoryParameter value) => value.ParameterChoiceCase switch
    {
        ModelRepositoryParameter.ParameterChoiceOneofCase.Int64Param => value.Int64Param.ToString(CultureInfo.InvariantCulture),
        ModelRepositoryParameter.ParameterChoiceOneofCase.BoolParam => value.BoolParam ? "true" : "false",
        _ => value.StringParam,
    };

    private static ModelMetadataResponse.Types.TensorMetadata Of(TensorMetadata tensor) =>
        new() { Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape.Select(dimension => (long)dimension) } };

    private static IEnumerable<long> Dims(ConfiguredTensor tensor) => tensor.Dims.Select(dimension => (long)dimension);

    private static StatisticDuration Of(OpenInference.StatisticDuration duration) => new() { Count = (ulong)duration.Count, Ns = (ulong)duration.Ns };
}
