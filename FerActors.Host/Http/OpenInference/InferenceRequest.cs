using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>An inference request of the protocol, read and checked.</summary>
/// <param name="Id">The client's, given back.</param>
/// <param name="Images">Encoded images, at least one.</param>
/// <param name="Headers">The parameters, as headers of the queue contract (<see cref="RequestHeaders"/>).</param>
/// <param name="Outputs">What to answer with; empty means all.</param>
internal sealed record InferenceRequest(
    string? Id, IReadOnlyList<ReadOnlyMemory<byte>> Images, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<RequestedOutput> Outputs);

/// <param name="Name">One of <see cref="InferenceOutputs.Names"/>.</param>
/// <param name="Classes">Where above 0: this many classes as <c>SCORE:INDEX:LABEL</c>, the most probable first (Triton's extension).</param>
internal sealed record RequestedOutput(string Name, int Classes);
