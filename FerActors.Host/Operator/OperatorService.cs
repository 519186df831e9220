using Akka.Actor;
using Akka.Hosting;

namespace FerActors.Host.Operator;

/// <summary>Carries out what operators ask: asks the actors that decide, and puts their answers into one form.</summary>
/// <param name="system">A member of the cluster.</param>
/// <param name="registry">Where the actors are found; what this node lacks is answered in a sentence.</param>
/// <param name="answerTimeout">How long an actor may take to answer.</param>
/// <param name="workTimeout">How long it may take where it reads or copies whole versions first.</param>
public sealed class OperatorService(ActorSystem system, IReadOnlyActorRegistry registry, TimeSpan answerTimeout, TimeSpan workTimeout)
{
    private readonly ClusterOperations _cluster = new(system);
    private readonly ModelOperations _models = new(new ActorQuestions(system, registry), answerTimeout, workTimeout);
    private readonly TrainOperations _training = new(new ActorQuestions(system, registry), answerTimeout, workTimeout);
    private readonly StatisticsOperations _statistics = new(system, new ActorQuestions(system, registry), answerTimeout);

    /// <summary>Never throws for what an operator or an actor did; every such end is a reply.</summary>
    public async Task<OperatorReply> ExecuteAsync(OperatorRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return request switch
            {
                ClusterRequests.Show => _cluster.Show(),
                ClusterRequests.Leave leave => _cluster.Leave(leave.Address),
                ClusterRequests.Down down => _cluster.Down(down.Address),
                ClusterRequests.DownUnreachable => _cluster.DownUnreachable(),
                StatisticsRequest => await _statistics.ReadAsync().ConfigureAwait(false),
                _ => await (_models.ExecuteAsync(request)
                    ?? _training.ExecuteAsync(request)
                    ?? throw new ArgumentException($"Nobody carries out {request.GetType()}.", nameof(request))).ConfigureAwait(false),
            };
        }
        catch (NoAnswerException e)
        {
            return OperatorReply.NoAnswer(e.Message);
        }
        catch (FormatException e)
        {
            return OperatorReply.Invalid(e.Message);
        }
    }
}
