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
internal sealed record InferenceParameters(
    [property: Description("all or largest.")] string? Faces = null,
    [property: Description("true: each image is one aligned face crop, and no face is looked for.")] bool? Aligned = null);

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
internal sealed record OutputParameters(int? Classification = null);

/// <param name="ModelName">The model.</param>
/// <param name="ModelVersion">The version that answered.</param>
/// <param name="Outputs">A row for each face.</param>
/// <param name="Id">The client's.</param>
internal sealed record InferenceResponseBody(string ModelName, string ModelVersion, IReadOnlyList<OutputTensor> Outputs, string? Id = null);

/// <param name="Name">Its name.</param>
/// <param name="Datatype">FP32, INT64 or BYTES.</param>
/// <param name="Shape">Faces, and the columns where there are several.</param>
/// <param name="Data">Row by row.</param>
internal sealed record OutputTensor(string Name, string Datatype, IReadOnlyList<int> Shape, IReadOnlyList<JsonElement> Data);
