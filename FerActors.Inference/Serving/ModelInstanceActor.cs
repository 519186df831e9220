using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using FerActors.Inference.Models;

namespace FerActors.Inference.Serving;

/// <summary>An instance of the pool: one native thread, on which the passes run that the host gives it.</summary>
/// <remarks>
/// An answer goes from the thread to whoever asked for the batch; the host hears how each pass ended. The thread ends its pass also
/// where the actor is gone.
/// </remarks>
internal sealed class ModelInstanceActor : ReceiveActor
{
    private readonly NativeThread _thread;

    /// <param name="number">The instance's number.</param>
    /// <param name="host">The model host.</param>
    public ModelInstanceActor(int number, IActorRef host)
    {
        _thread = new NativeThread($"fer-model-{number}");
        Receive<RunPass>(pass => Run(pass, number, host));
    }

    protected override void PostStop() => _thread.Dispose();

    private void Run(RunPass pass, int number, IActorRef host)
    {
        var self = Self;
        _ = _thread.Run(() =>
        {
            Pass(pass, number, host, self);
            return true;
        });
    }

    // On the thread.
    private static void Pass(RunPass pass, int number, IActorRef host, IActorRef self)
    {
        var (batch, chosen, champion) = (pass.Batch, pass.Chosen, pass.Champion);
        var began = Stopwatch.GetTimestamp();
        IReadOnlyList<FacePrediction>? answers = null;
        Exception? cause = null;
        Exception? canaryFailure = null;
        try
        {
            var answering = chosen;
            try
            {
                answers = chosen.Predict(batch.Crops, batch.Waiting);
            }
            catch (Exception e) when (chosen != champion)
            {
                canaryFailure = e;
                answering = champion;
                answers = champion.Predict(batch.Crops, batch.Waiting);
            }

            var inferMs = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            pass.Asker.Tell(new BatchClassified(batch.Batch, answers, answering.Identity, inferMs), self);
        }
        catch (Exception e)
        {
            cause = e;
        }
        finally
        {
            host.Tell(new PassEnded(number, pass, answers, cause, canaryFailure, began, Stopwatch.GetTimestamp()), self);
        }
    }
}

/// <summary>Asks an instance for a pass. Its batch's asker gets the answer; the host gets one <see cref="PassEnded"/>.</summary>
/// <param name="Batch">The batch.</param>
/// <param name="Asker">Who asked for it.</param>
/// <param name="Chosen">The copy that is to answer.</param>
/// <param name="Champion">The champion's copy, which answers where another one fails.</param>
/// <param name="Came">Timestamp of the batch's arrival.</param>
internal sealed record RunPass(RunBatch Batch, IActorRef Asker, HostedModel Chosen, HostedModel Champion, long Came) : INoSerializationVerificationNeeded;

/// <summary>How a pass ended.</summary>
/// <param name="Instance">Where it ran.</param>
/// <param name="Pass">What was asked for.</param>
/// <param name="Answers">Absent where it failed; the asker has not been told then.</param>
/// <param name="Cause">Why it failed.</param>
/// <param name="CanaryFailure">Why the canary failed; the champion stood in.</param>
/// <param name="Began">Timestamp of its beginning.</param>
/// <param name="Ended">Timestamp of its end.</param>
internal sealed record PassEnded(
    int Instance, RunPass Pass, IReadOnlyList<FacePrediction>? Answers, Exception? Cause, Exception? CanaryFailure, long Began, long Ended)
    : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public bool IsBatchsFault => Cause is ModelFailureException or ArgumentException;
}
