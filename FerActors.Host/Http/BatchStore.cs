using System.Security.Cryptography;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.Requests;

namespace FerActors.Host.Http;

/// <summary>What is known of one image of a batch; absent while it is on its way.</summary>
/// <param name="MessageId">Its message.</param>
/// <param name="Answer">What came of it.</param>
internal sealed record BatchItem(string MessageId, GatewayAnswer Answer);

/// <summary>One batch. Written by those who process it, read by those who ask.</summary>
/// <param name="Id">128 random bits: who knows it may read the results, if the key is the same.</param>
/// <param name="Owner">The caller whose it is; absent where no keys are in use.</param>
/// <param name="Share">Who shares the store with others: a key's name or an address.</param>
/// <param name="Items">One for each image, in the order of the request.</param>
/// <param name="Expires">When it is forgotten.</param>
internal sealed record Batch(string Id, string? Owner, string Share, BatchItem?[] Items, DateTimeOffset Expires)
{
    public int Answered => Items.Count(item => item is not null);

    public bool IsDone => Answered == Items.Length;
}

/// <summary>
/// Keeps batches until they expire; bounded in their number and in the bytes of the images that wait. A caller may not take more of
/// either than is free, so that whoever comes new finds room (<see cref="FairShares"/>).
/// </summary>
/// <param name="maxBatches">Batches at once.</param>
/// <param name="maxWaitingBytes">Bytes of images of all batches that have no answer yet.</param>
/// <param name="lifetime">How long a batch is kept.</param>
/// <param name="time">The clock.</param>
internal sealed class BatchStore(int maxBatches, long maxWaitingBytes, TimeSpan lifetime, TimeProvider time)
{
    private readonly Dictionary<string, Batch> _batches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _waitingOf = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private long _waitingBytes;

    /// <summary>Takes a batch in.</summary>
    /// <returns>Absent where there is no room; nothing is pushed out for it that has not expired.</returns>
    public Batch? TryAdd(string? owner, string share, int images, long bytes)
    {
        lock (_lock)
        {
            RemoveExpired();
            var own = _waitingOf.GetValueOrDefault(share) + bytes;
            if (_batches.Values.Count(batch => batch.Share == share) >= maxBatches - _batches.Count || own > maxWaitingBytes - _waitingBytes)
            {
                return null;
            }

            _waitingBytes += bytes;
            _waitingOf[share] = own;
            var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            return _batches[id] = new Batch(id, owner, share, new BatchItem?[images], time.GetUtcNow() + lifetime);
        }
    }

    /// <summary>Notes what came of an image.</summary>
    public void Set(Batch batch, int index, BatchItem item, long bytes)
    {
        lock (_lock)
        {
            batch.Items[index] = item;
            _waitingBytes -= bytes;
            if ((_waitingOf[batch.Share] -= bytes) == 0)
            {
                _waitingOf.Remove(batch.Share);
            }
        }
    }

    /// <summary>Reads a batch as it stands.</summary>
    /// <returns>Absent where there is none of this id, or it is another caller's.</returns>
    public Batch? Find(string id, string? owner)
    {
        lock (_lock)
        {
            RemoveExpired();
            return _batches.TryGetValue(id, out var batch) && batch.Owner == owner ? batch with { Items = [.. batch.Items] } : null;
        }
    }

    /// <summary>Forgets a batch; images of it that are on their way are still answered, and nobody hears of it.</summary>
    public bool Remove(string id, string? owner)
    {
        lock (_lock)
        {
            return _batches.TryGetValue(id, out var batch) && batch.Owner == owner && _batches.Remove(id);
        }
    }

    private void RemoveExpired()
    {
        var now = time.GetUtcNow();
        foreach (var batch in _batches.Values.Where(batch => batch.Expires <= now).ToList())
        {
            _batches.Remove(batch.Id);
        }
    }
}
