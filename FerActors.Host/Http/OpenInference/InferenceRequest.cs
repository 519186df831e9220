using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>An inference request of the protocol, read and checked.</summary>
/// <param name="Id">The client's, given back.</param>
/// <param name="Images">Encoded images, at least one.</param>
/// <param name="Headers">The parameters, as headers of the queue contract (<see cref="RequestHeaders"/>).</param>
/// <param name="Outputs">What to answer with; empty means all.</param>
/// <param name="Binary">Whether outputs that do not say otherwise go behind the JSON as bytes.</param>
internal sealed record InferenceRequest(
    string? Id,
    IReadOnlyList<ReadOnlyMemory<byte>> Images,
    IReadOnlyDictionary<string, string> Headers,
    IReadOnlyList<RequestedOutput> Outputs,
    bool Binary = false);

/// <param name="Name">One of <see cref="InferenceOutputs.Names"/>.</param>
/// <param name="Classes">Where above 0: this many classes as <c>SCORE:INDEX:LABEL</c>, the most probable first (Triton's extension).</param>
/// <param name="Binary">The output's own <c>binary_data</c>; <see langword="null"/> where it does not say.</param>
internal sealed record RequestedOutput(string Name, int Classes, bool? Binary = null);
