using FerActors.Shared.Options;

namespace FerActors.Inference.Pipeline;

/// <summary>
/// The faces that wait for the model, and the rule by which they become batches: pure state, told the time by its caller.
/// </summary>
/// <remarks>
/// A batch forms when the model is free and (a) <see cref="BatchingOptions.MaxBatchSize"/> faces wait, or (b) a preferred size is
/// reached, or (c) the oldest face has waited for <see cref="BatchingOptions.MaxQueueDelay"/>. The order is that of arrival. An
/// image that must be alone shares a batch with no other image.
/// </remarks>
/// <typeparam name="TImage">Names an image; its faces may end up in several batches.</typeparam>
internal sealed class BatchQueue<TImage>(BatchingOptions options)
    where TImage : notnull
{
    private readonly LinkedList<WaitingFace<TImage>> _waiting = [];

    public int Count => _waiting.Count;

    /// <summary>Adds an image's faces. An image is taken whole or not at all; one is always taken while there is room for a face.</summary>
    /// <returns><see langword="false"/> where the queue is full.</returns>
    public bool TryEnqueue(TImage image, int faces, bool alone, DateTimeOffset now)
    {
        if (_waiting.Count >= options.MaxQueueSize)
        {
            return false;
        }

        for (var face = 0; face < faces; face++)
        {
            _waiting.AddLast(new WaitingFace<TImage>(image, face, alone, now));
        }

        return true;
    }

    /// <summary>Puts faces of a failed batch back at the head, each image now alone, so that the one at fault is found.</summary>
    public void Requeue(IReadOnlyList<WaitingFace<TImage>> faces)
    {
        for (var i = faces.Count - 1; i >= 0; i--)
        {
            _waiting.AddFirst(faces[i] with { Alone = true });
        }
    }

    /// <summary>Takes the next batch where one is due.</summary>
    public IReadOnlyList<WaitingFace<TImage>>? TryTake(DateTimeOffset now)
    {
        var available = Companions();
        if (available == 0)
        {
            return null;
        }

        // What cannot grow any more (the next face must not join) has nothing to wait for.
        var closed = available < _waiting.Count || _waiting.First!.Value.Alone;
        var preferred = options.PreferredBatchSizes.Where(size => size <= available).DefaultIfEmpty(0).Max();
        var due = now - _waiting.First!.Value.Since >= options.MaxQueueDelay;
        var size = due || closed || available == options.MaxBatchSize ? available : preferred;
        return size == 0 ? null : Take(size);
    }

    /// <summary>How long until a batch is due by its age; <see langword="null"/> where nothing waits.</summary>
    public TimeSpan? UntilDue(DateTimeOffset now) => Left(options.MaxQueueDelay, now);

    /// <summary>How long until the oldest face has waited for the queue timeout; <see langword="null"/> where nothing waits.</summary>
    public TimeSpan? UntilExpired(DateTimeOffset now) => Left(options.QueueTimeout, now);

    /// <summary>Removes the images of which a face has waited for the queue timeout, all their waiting faces with them.</summary>
    public IReadOnlyCollection<TImage> TakeExpired(DateTimeOffset now)
    {
        var expired = new HashSet<TImage>();
        foreach (var face in _waiting)
        {
            if (now - face.Since < options.QueueTimeout)
            {
                break;
            }

            expired.Add(face.Image);
        }

        Remove(expired);
        return expired;
    }

    /// <summary>Removes the waiting faces of images that need no answer any more.</summary>
    public void Remove(IReadOnlySet<TImage> images)
    {
        if (images.Count == 0)
        {
            return;
        }

        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            if (images.Contains(node.Value.Image))
            {
                _waiting.Remove(node);
            }

            node = next;
        }
    }

    // How many faces at the head may share one batch.
    private int Companions()
    {
        var first = _waiting.First?.Value;
        if (first is null)
        {
            return 0;
        }

        return _waiting
            .Take(options.MaxBatchSize)
            .TakeWhile(face => first.Alone ? face.Alone && face.Image.Equals(first.Image) : !face.Alone)
            .Count();
    }

    private TimeSpan? Left(TimeSpan limit, DateTimeOffset now)
    {
        if (_waiting.First is null)
        {
            return null;
        }

        var left = _waiting.First.Value.Since + limit - now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private List<WaitingFace<TImage>> Take(int size)
    {
        var batch = new List<WaitingFace<TImage>>(size);
        for (var i = 0; i < size; i++)
        {
            batch.Add(_waiting.First!.Value);
            _waiting.RemoveFirst();
        }

        return batch;
    }
}

/// <param name="Image">The image it belongs to.</param>
/// <param name="Face">Its number among the image's faces, from 0.</param>
/// <param name="Alone">Faces of other images must not share its batch.</param>
/// <param name="Since">When it arrived.</param>
internal sealed record WaitingFace<TImage>(TImage Image, int Face, bool Alone, DateTimeOffset Since);
