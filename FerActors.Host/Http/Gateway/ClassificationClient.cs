using System.Diagnostics;
using Akka.Actor;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Feedback;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;

namespace FerActors.Host.Http.Gateway;

/// <summary>What the endpoints see of the gateway: an image in, an answer out.</summary>
/// <param name="gateway">Finds the gateway.</param>
/// <param name="limits">Limits on the image: what they refuse never reaches the broker.</param>
/// <param name="timeout">Longest wait for one image.</param>
/// <param name="parallelism">Images of all requests with several that are on their way at once.</param>
/// <param name="remembered">Results that are remembered for feedback.</param>
/// <param name="time">The clock.</param>
internal sealed class ClassificationClient(
    Func<IActorRef> gateway, ImageLimits limits, TimeSpan timeout, int parallelism, int remembered, TimeProvider time)
{
    // The gateway itself keeps the time; this is for one that is gone.
    private static readonly TimeSpan Allowance = TimeSpan.FromSeconds(5);

    // Images are on their way for a moment each, so that no place need be kept. What waits is bounded by who sent it.
    private readonly FairShares _turns = new(parallelism, keepsReserve: false, int.MaxValue, int.MaxValue, time);
    private readonly AnsweredResults _answered = new(remembered);

    /// <summary>The model that answered last, by which the protocol's metadata name a version; absent before the first answer.</summary>
    public ModelIdentity? LastModel { get; private set; }

    /// <summary>Classifies one image.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="headers">Checked headers of the contract.</param>
    /// <param name="patience">Longest wait, where the client's own is less than that of all.</param>
    public async Task<(string MessageId, GatewayAnswer Answer)> ClassifyAsync(
        ReadOnlyMemory<byte> image, IReadOnlyDictionary<string, string> headers, TimeSpan? patience = null)
    {
        var wait = patience < timeout ? patience.Value : timeout;
        var messageId = Guid.NewGuid().ToString("D");
        if ((limits.Refusal(image.Span) ?? Damage(image.Span)) is { } refusal)
        {
            return (messageId, new GatewayAnswer.NotAnswered(refusal.Code, refusal.Message));
        }

        try
        {
            var answer = await gateway().Ask<GatewayAnswer>(
                new ClassifyRemotely(messageId, image, headers, wait, Activity.Current?.Context ?? default), wait + Allowance);
            if (answer is GatewayAnswer.Answered { Result: { Model: { } model } result })
            {
                LastModel = model;
                _answered.Add(result);
            }

            return (messageId, answer);
        }
        catch (AskTimeoutException)
        {
            return (messageId, new GatewayAnswer.NotAnswered(ApiCodes.Timeout, "No node answered in time."));
        }
    }

    /// <summary>
    /// Classifies one of several images: they take turns, so that they leave room for those who wait at a single one, and callers with
    /// many leave room for callers with few.
    /// </summary>
    /// <param name="share">Who shares the turns with others: a key's name or an address.</param>
    /// <param name="image">The encoded image.</param>
    /// <param name="headers">Checked headers of the contract.</param>
    /// <param name="patience">Longest wait, where the client's own is less than that of all.</param>
    public async Task<(string MessageId, GatewayAnswer Answer)> ClassifyInTurnAsync(
        string share, ReadOnlyMemory<byte> image, IReadOnlyDictionary<string, string> headers, TimeSpan? patience = null)
    {
        using var place = await _turns.EnterAsync(share, Timeout.InfiniteTimeSpan, CancellationToken.None);
        return await ClassifyAsync(image, headers, patience);
    }

    /// <summary>What this node answered to a message; <see langword="null"/> where it does not remember.</summary>
    public AnsweredResults.Answered? Answered(string messageId) => _answered.Find(messageId);

    /// <summary>Puts feedback into its queue.</summary>
    /// <returns>Why the broker does not have it; <see langword="null"/> where it has confirmed it.</returns>
    public async Task<GatewayAnswer.NotAnswered?> SendFeedbackAsync(FaceFeedback feedback)
    {
        try
        {
            return (await gateway().Ask<FeedbackSent>(new SendFeedback(feedback.MessageId, FeedbackFields.Write(feedback)), timeout + Allowance)).Refusal;
        }
        catch (AskTimeoutException)
        {
            return new GatewayAnswer.NotAnswered(ApiCodes.Timeout, "The feedback was not confirmed in time.");
        }
    }

    /// <summary>How the gateway stands.</summary>
    public async Task<GatewayStatus> StatusAsync()
    {
        try
        {
            return await gateway().Ask<GatewayStatus>(GetGatewayStatus.Instance, Allowance);
        }
        catch (AskTimeoutException)
        {
            return new GatewayStatus(Connected: false, Blocked: false, InFlight: 0);
        }
    }

    // A request has a thread of its own, which the queue's actors do not: a broken upload is refused here and costs no node anything.
    private static ErrorDetail? Damage(ReadOnlySpan<byte> image) =>
        PictureIntegrity.FindDamage(image) is { } flaw ? new ErrorDetail(ErrorCodes.CorruptImage, $"The image {flaw}.") : null;
}
