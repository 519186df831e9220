using System.ComponentModel;
using System.Text.Json;

namespace FerActors.Host.Http.OpenInference;

// The protocol's bodies, for the description. What is read and written is read and written by hand.

/// <param name="Name">The server's name.</param>
/// <param name="Version">The server's version.</param>
/// <param name="Extensions">The protocol's extensions that it knows.</param>
internal sealed record ServerMetadata(string Name, string Version, IReadOnlyList<string> Extensions);

/// <param name="Live">Whether the server runs.</param>
internal sealed record ServerLive(bool Live);

/// <param name="Ready">Whether images can be published.</param>
internal sealed record ServerReady(bool Ready);

/// <param name="Name">The model's name, <c>Api:ModelName</c>.</param>
/// <param name="Versions">The version that answered last; empty before the first answer.</param>
/// <param name="Platform">The program.</param>
/// <param name="Inputs">The one input.</param>
/// <param name="Outputs">All outputs.</param>
internal sealed record ModelMetadata(
    string Name, IReadOnlyList<string> Versions, string Platform, IReadOnlyList<TensorMetadata> Inputs, IReadOnlyList<TensorMetadata> Outputs);

/// <param name="Error">The reason's code, a colon and a sentence.</param>
internal sealed record InferenceError(string Error);

/// <param name="Inputs">One input.</param>
/// <param name="Id">Given back.</param>
/// <param name="Parameters">What to do.</param>
/// <param name="Outputs">What to answer with; all where absent.</param>
internal sealed record InferenceRequestBody(
    IReadOnlyList<InputTensor> Inputs, string? Id = null, InferenceParameters? Parameters = null, IReadOnlyList<OutputWish>? Outputs = null);

/// <param name="Faces">Which faces to classify.</param>
/// <param name="Aligned">Each image is one aligned face crop.</param>
/// <param name="BinaryDataOutput">Whether outputs that do not say otherwise go behind the JSON as bytes.</param>
internal sealed record InferenceParameters(
    [property: Description("all or largest.")] string? Faces = null,
    [property: Description("true: each image is one aligned face crop, and no face is looked for.")] bool? Aligned = null,
    [property: Description("true: outputs that do not say otherwise go behind the JSON as bytes.")] bool? BinaryDataOutput = null);

/// <param name="Name">Its name.</param>
/// <param name="Datatype">BYTES or UINT8.</param>
/// <param name="Shape">One to four dimensions.</param>
/// <param name="Data">The elements.</param>
/// <param name="Parameters">Those of the binary extension.</param>
internal sealed record InputTensor(
    [property: Description("image")] string Name,
    [property: Description("BYTES for encoded images, UINT8 for pixels or the bytes of one encoded image.")] string Datatype,
    [property: Description("[N] for BYTES; [H,W], [H,W,C], [N,H,W,C] or [bytes] for UINT8.")] IReadOnlyList<int> Shape,
    [property: Description("Base64 strings (data URLs too) for BYTES, numbers from 0 to 255 for UINT8; flat or nested as the shape is.")]
    IReadOnlyList<JsonElement>? Data = null,
    BinaryInput? Parameters = null);

/// <param name="BinaryDataSize">Bytes of the tensor behind the JSON, in place of the data.</param>
internal sealed record BinaryInput(int? BinaryDataSize = null);

/// <param name="Name">One of the model's outputs.</param>
/// <param name="Parameters">How to answer.</param>
internal sealed record OutputWish(string Name, OutputParameters? Parameters = null);

/// <param name="Classification">This many classes as SCORE:INDEX:LABEL; of probabilities alone.</param>
/// <param name="BinaryData">Whether its elements go behind the JSON as bytes.</param>
internal sealed record OutputParameters(int? Classification = null, bool? BinaryData = null);

/// <param name="ModelName">The model.</param>
/// <param name="ModelVersion">The version that answered.</param>
/// <param name="Outputs">A row for each face.</param>
/// <param name="Id">The client's.</param>
internal sealed record InferenceResponseBody(string ModelName, string ModelVersion, IReadOnlyList<OutputTensor> Outputs, string? Id = null);

/// <param name="Name">Its name.</param>
/// <param name="Datatype">FP32, INT64 or BYTES.</param>
/// <param name="Shape">Faces, and the columns where there are several.</param>
/// <param name="Data">Row by row; absent where the elements are bytes behind the JSON.</param>
/// <param name="Parameters">How many bytes behind the JSON are this output's; absent where there are none.</param>
internal sealed record OutputTensor(
    string Name, string Datatype, IReadOnlyList<int> Shape, IReadOnlyList<JsonElement>? Data = null, BinaryInput? Parameters = null);

/// <summary>What Triton calls a model's configuration, as far as it says something of this model.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Platform">The program.</param>
/// <param name="Backend">Likewise.</param>
/// <param name="MaxBatchSize">0: the first dimension of the outputs counts faces, not images, so that Triton's batching does not describe it.</param>
/// <param name="Input">The one input.</param>
/// <param name="Output">All outputs.</param>
/// <param name="ModelTransactionPolicy">Each request has one response.</param>
/// <param name="Parameters">The version that answered last, where one has.</param>
internal sealed record ModelConfiguration(
    string Name,
    string Platform,
    string Backend,
    int MaxBatchSize,
    IReadOnlyList<ConfiguredTensor> Input,
    IReadOnlyList<ConfiguredTensor> Output,
    TransactionPolicy ModelTransactionPolicy,
    IReadOnlyDictionary<string, ConfiguredText> Parameters);

/// <param name="Name">Its name.</param>
/// <param name="DataType">Triton's name of the type: TYPE_STRING, TYPE_FP32 ...</param>
/// <param name="Dims">-1 for a dimension that varies.</param>
internal sealed record ConfiguredTensor(string Name, string DataType, IReadOnlyList<int> Dims);

/// <param name="Decoupled">Whether a request may have several responses.</param>
internal sealed record TransactionPolicy(bool Decoupled);

/// <param name="StringValue">The value.</param>
internal sealed record ConfiguredText(string StringValue);

/// <param name="ModelStats">One for each version that answered here.</param>
internal sealed record StatisticsView(IReadOnlyList<ModelStatistics> ModelStats);

/// <param name="Name">The model.</param>
/// <param name="Version">The version; empty for requests that failed before one answered.</param>
/// <param name="LastInference">When it last answered, in milliseconds since 1970; 0 where it has not.</param>
/// <param name="InferenceCount">Images answered.</param>
/// <param name="ExecutionCount">Images that the network was asked about: those with a face. Which of them shared a batch is known to the nodes alone.</param>
/// <param name="InferenceStats">Counts and times of the requests.</param>
/// <param name="BatchStats">Empty: the nodes form the batches.</param>
internal sealed record ModelStatistics(
    string Name,
    string Version,
    long LastInference,
    long InferenceCount,
    long ExecutionCount,
    InferenceDurations InferenceStats,
    IReadOnlyList<StatisticDuration> BatchStats);

/// <param name="Success">Requests that were answered, from their last byte to the answer.</param>
/// <param name="Fail">Requests that were not.</param>
/// <param name="Queue">Their time in queues of the answering node.</param>
/// <param name="ComputeInput">Decoding, detection and alignment.</param>
/// <param name="ComputeInfer">The forward pass.</param>
/// <param name="ComputeOutput">Not measured apart.</param>
/// <param name="CacheHit">There is no cache.</param>
/// <param name="CacheMiss">There is no cache.</param>
internal sealed record InferenceDurations(
    StatisticDuration Success,
    StatisticDuration Fail,
    StatisticDuration Queue,
    StatisticDuration ComputeInput,
    StatisticDuration ComputeInfer,
    StatisticDuration ComputeOutput,
    StatisticDuration CacheHit,
    StatisticDuration CacheMiss);

/// <param name="Count">How often.</param>
/// <param name="Ns">Nanoseconds in all.</param>
internal sealed record StatisticDuration(long Count, long Ns)
{
    public static StatisticDuration None { get; } = new(0, 0);
}

/// <param name="Name">The model's name.</param>
/// <param name="Version">A registered version.</param>
/// <param name="State">READY where it answers, as the champion or the canary; UNAVAILABLE otherwise.</param>
/// <param name="Reason">What it is: champion, canary, shadow, previous, registered, or why it may never serve again.</param>
internal sealed record RepositoryEntry(string Name, string Version, string State, string Reason);

/// <param name="RepositoryName">Left empty; there is one repository.</param>
/// <param name="Ready">true: only versions that answer.</param>
internal sealed record RepositoryIndexRequestBody(string? RepositoryName = null, bool? Ready = null);

/// <param name="Parameters">Which version, and as what.</param>
internal sealed record RepositoryChangeBody(RepositoryChangeParameters? Parameters = null);

/// <param name="Version">The registered version.</param>
/// <param name="Role">What it is to be.</param>
/// <param name="Share">Its share.</param>
internal sealed record RepositoryChangeParameters(
    [property: Description("The registered version. Required to load.")] string? Version = null,
    [property: Description("champion (the default: a promotion with all its gates), canary or shadow.")] string? Role = null,
    [property: Description("Share of the images of a canary or shadow, above 0 and at most 1; 0.1 by default.")] double? Share = null);

/// <param name="Message">What the registry decided.</param>
internal sealed record RepositoryChanged(string Message);
