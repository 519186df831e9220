using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.Gateway;

/// <summary>What this node answered lately, by message id: enough to know what feedback is about. No picture, and nothing on the disk.</summary>
/// <param name="capacity">Results that are remembered; the oldest is forgotten first.</param>
internal sealed class AnsweredResults(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Answered> _results = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = [];

    /// <summary>Remembers a result that has faces.</summary>
    public void Add(ClassificationResult result)
    {
        if (capacity == 0 || result is not { Model: { } model, Faces.Count: > 0 })
        {
            return;
        }

        lock (_gate)
        {
            if (!_results.TryAdd(result.MessageId, new Answered(model.Version, [.. result.Faces.Select(face => face.Label)])))
            {
                return;
            }

            _order.Enqueue(result.MessageId);
            if (_order.Count > capacity)
            {
                _results.Remove(_order.Dequeue());
            }
        }
    }

    /// <summary>The result of a message; <see langword="null"/> where it is not remembered.</summary>
    public Answered? Find(string messageId)
    {
        lock (_gate)
        {
            return _results.GetValueOrDefault(messageId);
        }
    }

    /// <param name="ModelVersion">The version that answered.</param>
    /// <param name="Labels">What it said of each face.</param>
    public sealed record Answered(string ModelVersion, IReadOnlyList<Expression> Labels);
}
