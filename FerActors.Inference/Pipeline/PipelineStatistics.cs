using FerActors.Shared.Protocol;

namespace FerActors.Inference.Pipeline;

/// <summary>Asks the ingress actor for its <see cref="PipelineStatistics"/>.</summary>
public sealed record GetPipelineStatistics
{
    private GetPipelineStatistics()
    {
    }

    public static GetPipelineStatistics Instance { get; } = new();
}

/// <summary>Counts since the start.</summary>
/// <param name="Classified">Images answered with at least one face.</param>
/// <param name="WithoutFaces">Images answered with none.</param>
/// <param name="Errors">Images answered with an error, by its code.</param>
/// <param name="InFlight">Images in the pipeline now.</param>
/// <param name="Waiting">Those of them that wait for an alignment worker.</param>
public sealed record PipelineStatistics(
    long Classified, long WithoutFaces, IReadOnlyDictionary<string, long> Errors, int InFlight, int Waiting);

internal sealed class PipelineCounters
{
    private readonly SortedDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private long _classified;
    private long _withoutFaces;

    public void Count(ClassificationResult result)
    {
        if (result.Error is { } error)
        {
            _errors[error.Code] = _errors.GetValueOrDefault(error.Code) + 1;
        }
        else if (result.Faces.Count == 0)
        {
            _withoutFaces++;
        }
        else
        {
            _classified++;
        }
    }

    public PipelineStatistics Read(int inFlight, int waiting) =>
        new(_classified, _withoutFaces, new SortedDictionary<string, long>(_errors, StringComparer.Ordinal), inFlight, waiting);
}
