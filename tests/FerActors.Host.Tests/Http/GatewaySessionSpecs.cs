using System.Text;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Broker;
using FerActors.Host.Http.Gateway;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>What the API asks of the broker.</summary>
public sealed class GatewaySessionSpecs(ITestOutputHelper output) : TestKit("akka.loglevel = INFO", output: output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Where_nothing_may_be_declared_results_come_as_direct_replies()
    {
        await using var broker = new FakeBroker();
        var gateway = await StartAsync(broker, declares: false);

        await AskAsync(gateway, "m-1");

        Assert.Contains("amq.rabbitmq.reply-to", Text(broker), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_carries_its_deadline_and_no_time_of_day()
    {
        await using var broker = new FakeBroker();
        var gateway = await StartAsync(broker);

        await AskAsync(gateway, "m-1");

        Assert.Contains(RequestHeaders.Deadline, Text(broker), StringComparison.Ordinal);
        var flags = broker.Publications.Single().Header[12] << 8 | broker.Publications.Single().Header[13];
        Assert.Equal(0, flags & (1 << 6));
    }

    [Fact]
    public async Task After_some_requests_in_a_row_without_a_result_a_fresh_session_is_opened()
    {
        await using var broker = new FakeBroker();
        var gateway = await StartAsync(broker);

        for (var request = 1; request <= 4; request++)
        {
            Assert.IsType<GatewayAnswer.NotAnswered>(await AskAsync(gateway, $"m-{request}"));
        }

        await AwaitConditionAsync(async () => broker.Connections == 2 && (await StatusAsync(gateway)).Connected, Patience);
        Assert.Equal(4, (await StatusAsync(gateway)).UnansweredInARow);
    }

    private static string Text(FakeBroker broker) => Encoding.Latin1.GetString(Assert.Single(broker.Publications).Header);

    private static Task<GatewayStatus> StatusAsync(IActorRef gateway) => gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience);

    private static Task<GatewayAnswer> AskAsync(IActorRef gateway, string id) => gateway.Ask<GatewayAnswer>(
        new ClassifyRemotely(id, new byte[] { 1 }, new Dictionary<string, string>(), TimeSpan.FromMilliseconds(200)), Patience);

    private async Task<IActorRef> StartAsync(FakeBroker broker, bool declares = true)
    {
        var options = new RabbitMqOptions { Uri = broker.Uri, DeclareTopology = declares, ReconnectMinBackoff = TimeSpan.FromMilliseconds(10) };
        var gateway = Sys.ActorOf(Props.Create(() => new ImageGatewayActor(options, new RabbitConnector(options), 8, TimeProvider.System)));
        await AwaitConditionAsync(async () => (await StatusAsync(gateway)).Connected, Patience);
        return gateway;
    }
}
