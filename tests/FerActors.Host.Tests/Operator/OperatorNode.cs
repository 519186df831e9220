using Akka.Actor;
using Akka.Hosting;
using FerActors.Control.Persistence;
using FerActors.Control.Registry;
using FerActors.Control.Training;
using FerActors.Host.Node;
using FerActors.Host.Operator;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Training.Node;
using FerActors.Training.Registration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Tests.Operator;

/// <summary>A cluster of one with the real registry, supervisor, journal and control endpoint; only the training is scripted.</summary>
internal sealed class OperatorNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IHost _host;

    private OperatorNode(IHost host, ControlOptions control, ScriptedExecutor executor)
    {
        _host = host;
        Control = control;
        Executor = executor;
    }

    public ControlOptions Control { get; }

    public ScriptedExecutor Executor { get; }

    public OperatorService Operators => _host.Services.GetRequiredService<OperatorService>();

    public ControlServer Server => _host.Services.GetRequiredService<ControlServer>();

    public string Socket => Control.Socket;

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <param name="folder">Where its files go.</param>
    /// <param name="control">Completes the endpoint's options, whose socket is in that folder.</param>
    public static async Task<OperatorNode> StartAsync(string folder, Func<ControlOptions, ControlOptions>? control = null)
    {
        var options = new ControlOptions { Socket = Path.Combine(folder, "control.sock") };
        options = control?.Invoke(options) ?? options;
        var training = new TrainingServiceOptions { HeartbeatEvery = TimeSpan.FromMilliseconds(100), NodeGrace = TimeSpan.FromSeconds(1) };
        var registry = new RegistryOptions
        {
            Root = Path.Combine(folder, "versions"),

            // The time of a pass is the machine's mood; that gate has specs of its own.
            Gates = new GateOptions { MaxLatencyRatio = double.MaxValue },
        };
        var executor = new ScriptedExecutor();
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddAkka(ClusterOptions.SystemName, akka => akka
            .AddHocon("akka.cluster { gossip-interval = 100ms, leader-actions-interval = 100ms }", HoconAddMode.Prepend)
            .WithFerCluster(new ClusterOptions { Roles = [NodeRoles.Control, NodeRoles.Training, NodeRoles.Inference] })
            .WithFerPersistence(new PersistenceOptions { ConnectionString = $"Data Source={folder}/journal.db;Pooling=false" })
            .AddModelRegistry(registry, new VitModelInspector())
            .AddTrainingSupervisor(training, executor.Validate, actors => new RegistryRegistration(actors.Get<ModelRegistry>(), Patience))
            .AddTrainingNode(training, executor));
        builder.Services.AddControlEndpoint(options, registry);
        var host = builder.Build();
        await host.StartAsync();
        await Membership.UpAsync(host.Services.GetRequiredService<ActorSystem>(), Patience);
        var node = new OperatorNode(host, options, executor);
        await node.ReplyWhen(new ModelRequests.Status(), r => r.Outcome == OperatorOutcome.Done);
        return node;
    }

    /// <summary>A request's reply once it is as expected.</summary>
    public async Task<OperatorReply> ReplyWhen(OperatorRequest request, Func<OperatorReply, bool> expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var reply = await Operators.ExecuteAsync(request);
            if (expected(reply))
            {
                return reply;
            }

            Assert.False(patience.IsCancellationRequested, $"The reply stays {reply}.");
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
