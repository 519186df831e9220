using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Results;
using FerActors.Shared.Options;

namespace FerActors.Host.Intake;

/// <summary>
/// Owns the consumer and the publisher. They restart together: a publisher that forgot its results would leave the consumer
/// waiting for reports that never come.
/// </summary>
public sealed class RabbitTransportActor : ReceiveActor
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(5);

    private readonly RabbitMqOptions _options;
    private readonly IRabbitConnector _connector;
    private readonly Func<Task<IActorRef>> _findIngress;
    private readonly string _node;
    private readonly TimeProvider _clock;
    private IActorRef _publisher = ActorRefs.Nobody;
    private IActorRef _consumer = ActorRefs.Nobody;

    /// <param name="options">Validated options.</param>
    /// <param name="connector">Opens the two connections.</param>
    /// <param name="findIngress">Finds the actor that takes images; nothing is consumed before it is there.</param>
    /// <param name="node">This node's name, for results that the transport itself makes.</param>
    /// <param name="clock">The time.</param>
    public RabbitTransportActor(
        RabbitMqOptions options, IRabbitConnector connector, Func<Task<IActorRef>> findIngress, string node, TimeProvider clock)
    {
        _options = options;
        _connector = connector;
        _findIngress = findIngress;
        _node = node;
        _clock = clock;

        Receive<StopIntake>(message => _consumer.Forward(message));
        Receive<DrainTransport>(_ =>
        {
            var sender = Sender;
            DrainAsync(_consumer, _publisher, _options.DrainTimeout + AskTimeout).PipeTo(sender, Self);
        });
        Receive<GetTransportStatistics>(_ =>
        {
            var sender = Sender;
            StatisticsAsync(_consumer, _publisher).PipeTo(sender, Self);
        });
    }

    protected override void PreStart()
    {
        var (options, connector, findIngress, node, clock) = (_options, _connector, _findIngress, _node, _clock);
        var publisher = Context.ActorOf(Props.Create(() => new ResultPublisherActor(options, connector, clock)), "publisher");
        _publisher = publisher;
        _consumer = Context.ActorOf(
            Props.Create(() => new ImageConsumerActor(options, connector, findIngress, publisher, node, clock)), "consumer");
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        new AllForOneStrategy(maxNrOfRetries: -1, withinTimeRange: System.Threading.Timeout.InfiniteTimeSpan, localOnlyDecider: Akka.Actor.SupervisorStrategy.DefaultDecider.Decide);

    // The publisher goes last: draining needs it.
    private static async Task<TransportDrained> DrainAsync(IActorRef consumer, IActorRef publisher, TimeSpan timeout)
    {
        var drained = await consumer.Ask<TransportDrained>(DrainTransport.Instance, timeout).ConfigureAwait(false);
        await publisher.Ask<LinkClosed>(CloseLink.Instance, AskTimeout).ConfigureAwait(false);
        return drained;
    }

    private static async Task<TransportStatistics> StatisticsAsync(IActorRef consumer, IActorRef publisher)
    {
        var intake = await consumer.Ask<ImageConsumerActor.IntakeStatistics>(ImageConsumerActor.GetStatistics.Instance, AskTimeout).ConfigureAwait(false);
        var results = await publisher.Ask<ResultPublisherActor.PublisherStatistics>(ResultPublisherActor.GetStatistics.Instance, AskTimeout).ConfigureAwait(false);
        return new TransportStatistics(
            intake.Connected,
            results.Connected,
            results.Blocked,
            intake.Mode,
            intake.Counters,
            intake.InFlight,
            intake.Held,
            results.Published,
            results.Republished,
            results.Pending,
            new TransportProgress(intake.Oldest, intake.Standstill, results.Standstill, results.Refused, intake.GivenUpInARow));
    }
}
