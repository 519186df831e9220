using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Inference.Serving;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>A whole node in this process without a broker, and questions to its actors. What it keeps outlives it.</summary>
internal sealed class ServiceNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // An actor that reads its journal, or a proxy that looks for one, may lose a question; it is then asked again.
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(15);

    private readonly IHost _host;

    private ServiceNode(IHost host)
    {
        _host = host;
        var actors = host.Services.GetRequiredService<ActorRegistry>();
        System = host.Services.GetRequiredService<ActorSystem>();
        Registry = actors.Get<ModelRegistry>();
        Supervisor = actors.Get<TrainingSupervisor>();
        Models = actors.TryGet<ModelHost>(out var models) ? models : ActorRefs.Nobody;
    }

    public ActorSystem System { get; }

    /// <summary>What the node says of itself.</summary>
    public HealthCheckService Health => _host.Services.GetRequiredService<HealthCheckService>();

    public IActorRef Registry { get; }

    public IActorRef Supervisor { get; }

    /// <summary>Nobody on a node that serves no model.</summary>
    public IActorRef Models { get; }

    public static async Task<ServiceNode> StartAsync(NodeData data, params string[] settings)
    {
        var host = FerNode.Build(FerConfiguration.Build(null,
        [
            .. data.Settings,
            $"Model:Path={Surroundings.ShippedModel}",
            "Model:Precision=fp32",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "RabbitMq:Uri=amqp://guest:guest@127.0.0.1:1/",
            "Training:HeartbeatEvery=00:00:00.2",
            "Training:NodeGrace=00:00:02",
            "Logging:Level=Fatal",
            .. settings,
        ]));
        await host.StartAsync();
        return new ServiceNode(host);
    }

    /// <summary>The answer to a command, which is sent again while the journal or the registry is not there yet.</summary>
    public Task<CommandResult> CommandAsync(object message) =>
        AwaitAsync(() => Supervisor.Ask<CommandResult>(message, Patience), r => r.Code != CommandCode.Unavailable);

    public Task<RegistryReply> RegistryAsync(object message) => Registry.Ask<RegistryReply>(message, Patience);

    /// <summary>The registry's status once it is as expected.</summary>
    public Task<RegistryStatus> StatusWhen(Func<RegistryStatus, bool> expected) =>
        AwaitAsync(() => Registry.Ask<RegistryStatus>(RegistryQueries.GetStatus.Instance, AskAgain), expected);

    /// <summary>A run once it is as expected.</summary>
    public async Task<RunView> RunWhen(RunId id, Func<RunView, bool> expected) =>
        (await AwaitAsync(() => Supervisor.Ask<CommandResult>(new TrainingQueries.Describe(id), AskAgain), r => r.Run is { } run && expected(run))).Run!;

    /// <summary>What this node serves once it is as expected.</summary>
    public Task<ServingModel> ServingWhen(Func<ServingModel, bool> expected) =>
        AwaitAsync(() => Models.Ask<ServingModel>(GetServingModel.Instance, AskAgain), expected);

    /// <summary>All runs, once the supervisor answers.</summary>
    public Task<RunList> RunsAsync() =>
        AwaitAsync(() => Supervisor.Ask<RunList>(TrainingQueries.List.Instance, AskAgain), _ => true);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static async Task<T> AwaitAsync<T>(Func<Task<T>> ask, Func<T, bool> expected)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            object said = "without an answer";
            try
            {
                var answer = await ask();
                if (expected(answer))
                {
                    return answer;
                }

                said = answer!;
            }
            catch (AskTimeoutException)
            {
                // Asked again.
            }

            Assert.False(limit.IsCancellationRequested, $"It stays {said}.");
            await again.WaitForNextTickAsync();
        }
    }
}
