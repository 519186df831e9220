using Akka.Actor;
using Akka.Hosting;
using FerActors.Control.Persistence;
using FerActors.Control.Training;
using FerActors.Control.Wire;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Files;
using FerActors.Training.Node;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Control.Tests.Training;

public sealed class TrainingSupervisorActorSpecs : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly RunId Id = RunId.Parse("run-1");
    private static readonly RunSpec Spec = new(Id, "first", "{}", "data.csv", null, 0, ModelVersionId.Parse("v1"));

    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedExecutor _executor = new();
    private readonly RecordedRegistration _registration = new();
    private IHost _host = null!;
    private IActorRef _supervisor = null!;

    public async Task InitializeAsync() => await StartAsync();

    public async Task DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_goes_from_the_queue_to_the_registry()
    {
        Assert.Equal(CommandCode.Accepted, (await AskAsync(new TrainingCommands.Submit(Spec))).Code);
        var (listener, end) = await _executor.NextAsync(Patience);

        listener.Reached(RunState.Running);
        listener.Finished(new EpochMetrics(1, 10, 1.5, 0.5, 0.4));
        listener.Advanced(new RunProgress(2, 3, 15, 30, 1.4, 200, 30));
        var running = await AwaitAsync(v => v.Progress is not null && v.Run.LastEpoch is not null);
        end.SetResult("models/v1");
        var ended = await AwaitAsync(v => v.Run.Confirmed);

        Assert.Equal((RunState.Running, 1), (running.Run.State, running.Run.LastEpoch!.Epoch));
        Assert.Equal((RunState.Registered, "models/v1"), (ended.Run.State, ended.Run.ModelFolder));
        Assert.Equal(2, _registration.Calls);
    }

    [Fact]
    public async Task A_paused_run_goes_on_when_resumed_and_a_cancelled_one_does_not()
    {
        await AskAsync(new TrainingCommands.Submit(Spec));
        await _executor.NextAsync(Patience);

        await AskAsync(new TrainingCommands.Pause(Id));
        await AwaitAsync(v => v.Run.State == RunState.Paused);
        await AskAsync(new TrainingCommands.Resume(Id));
        await _executor.NextAsync(Patience);
        await AskAsync(new TrainingCommands.Cancel(Id));
        var ended = await AwaitAsync(v => v.Run.State == RunState.Cancelled);

        Assert.Equal((2, 0), (ended.Run.Attempt, ended.Run.Crashes));
    }

    [Fact]
    public async Task Options_with_mistakes_and_forbidden_commands_are_refused_and_leave_no_trace()
    {
        var invalid = await AskAsync(new TrainingCommands.Submit(Spec with { OptionsJson = "bad" }));
        var unknown = await AskAsync(new TrainingCommands.Resume(Id));
        await _host.StopAsync();
        await StartAsync();

        Assert.Equal((CommandCode.Invalid, CommandCode.NotFound), (invalid.Code, unknown.Code));
        Assert.Empty((await _supervisor.Ask<RunList>(TrainingQueries.List.Instance, Patience)).Runs);
    }

    [Fact]
    public async Task A_version_name_that_the_registry_has_is_refused_before_anything_is_trained()
    {
        _registration.OfName = () => new RegistrationRefusal("v1 is registered already.", IsFinal: true);
        var taken = await AskAsync(new TrainingCommands.Submit(Spec));
        _registration.OfName = () => new RegistrationRefusal("The registry did not answer.", IsFinal: false);
        var unknown = await AskAsync(new TrainingCommands.Submit(Spec));
        _registration.OfName = () => throw new IOException("The network is down.");
        var broken = await AskAsync(new TrainingCommands.Submit(Spec));

        Assert.Equal((CommandCode.Refused, "Run 'run-1' is not queued: v1 is registered already."), (taken.Code, taken.Sentence));
        Assert.Equal((CommandCode.Unavailable, CommandCode.Unavailable), (unknown.Code, broken.Code));
        Assert.Contains("nothing changed", unknown.Sentence, StringComparison.Ordinal);
        Assert.Empty((await _supervisor.Ask<RunList>(TrainingQueries.List.Instance, Patience)).Runs);

        _registration.OfName = () => null;
        Assert.Equal(CommandCode.Accepted, (await AskAsync(new TrainingCommands.Submit(Spec))).Code);
    }

    [Fact]
    public async Task A_known_run_is_not_asked_about_again()
    {
        await AskAsync(new TrainingCommands.Submit(Spec));
        _registration.OfName = () => new RegistrationRefusal("v1 is registered already.", IsFinal: true);

        Assert.Equal(CommandCode.NoChange, (await AskAsync(new TrainingCommands.Submit(Spec))).Code);
    }

    [Fact]
    public async Task A_name_that_is_taken_during_the_training_is_the_reason_in_the_description()
    {
        _registration.OfModel = new RegistrationRefusal("v1 is registered with other content.", IsFinal: true);
        await AskAsync(new TrainingCommands.Submit(Spec));
        var (_, end) = await _executor.NextAsync(Patience);
        end.SetResult("models/v1");
        var refused = await AwaitAsync(v => v.Refusal is not null);
        var described = await AskAsync(new TrainingQueries.Describe(Id));

        Assert.Equal(("v1 is registered with other content.", true, false), (refused.Refusal, refused.RefusalIsFinal, refused.Run.Confirmed));
        Assert.Equal("Run 'run-1' is finished, but its model is not in the registry: v1 is registered with other content.", described.Sentence);
    }

    [Fact]
    public async Task A_system_that_ends_in_the_middle_of_a_run_goes_on_with_it_after_its_start()
    {
        await AskAsync(new TrainingCommands.Submit(Spec));
        var (listener, _) = await _executor.NextAsync(Patience);
        listener.Finished(new EpochMetrics(1, 10, 1.5, 0.5, 0.4));
        await AwaitAsync(v => v.Run.LastEpoch is not null);

        ((ExtendedActorSystem)_host.Services.GetRequiredService<ActorSystem>()).Abort();
        await StartAsync();
        var (_, end) = await _executor.NextAsync(Patience);
        var going = await AwaitAsync(v => v.Run.State == RunState.Preparing);
        end.SetResult("models/v1");
        await AwaitAsync(v => v.Run.Confirmed);

        Assert.Equal((2, 1, 1), (going.Run.Attempt, going.Run.Crashes, going.Run.LastEpoch!.Epoch));
    }

    private async Task StartAsync()
    {
        var options = new TrainingServiceOptions
        {
            HeartbeatEvery = TimeSpan.FromMilliseconds(100),
            NodeGrace = TimeSpan.FromSeconds(1),
        };
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("training", akka => akka
            .WithFerSerialization()
            .WithFerPersistence(new PersistenceOptions { ConnectionString = $"Data Source={_folder.Root}/journal.db;Pooling=false" })
            .WithActors((system, registry) => registry.Register<TrainingSupervisor>(
                system.ActorOf(TrainingSupervisorHosting.SupervisorProps(options, _executor.Validate, _registration), "training-supervisor")))
            .AddTrainingNode(options, _executor));
        _host = builder.Build();
        await _host.StartAsync();
        _supervisor = _host.Services.GetRequiredService<IRequiredActor<TrainingSupervisor>>().ActorRef;
    }

    private Task<CommandResult> AskAsync(object message) => _supervisor.Ask<CommandResult>(message, Patience);

    private async Task<RunView> AwaitAsync(Func<RunView, bool> reached)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        do
        {
            if ((await AskAsync(new TrainingQueries.Describe(Id))).Run is { } view && reached(view))
            {
                return view;
            }
        }
        while (await again.WaitForNextTickAsync(limit.Token));

        throw new InvalidOperationException("The timer has ended.");
    }
}
