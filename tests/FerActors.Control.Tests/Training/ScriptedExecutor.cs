using System.Threading.Channels;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Training.Node;

namespace FerActors.Control.Tests.Training;

/// <summary>An executor whose runs report and end as the test says; only the options <c>bad</c> are refused.</summary>
internal sealed class ScriptedExecutor : ITrainingExecutor
{
    private readonly Channel<(IRunListener Listener, TaskCompletionSource<string> End)> _begun =
        Channel.CreateUnbounded<(IRunListener, TaskCompletionSource<string>)>();

    public IReadOnlyList<string> Validate(RunSpec spec) => spec.OptionsJson == "bad" ? ["The options are bad."] : [];

    public async Task<string> RunAsync(RunSpec spec, int attempt, IRunListener listener, CancellationToken cancellation)
    {
        var end = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stop = cancellation.Register(() => end.TrySetCanceled(cancellation));
        await _begun.Writer.WriteAsync((listener, end), CancellationToken.None);
        return await end.Task;
    }

    /// <summary>The next attempt that begins.</summary>
    public async Task<(IRunListener Listener, TaskCompletionSource<string> End)> NextAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        return await _begun.Reader.ReadAsync(limit.Token);
    }
}

/// <summary>A registry that is busy the first time and then takes the model, unless a test says otherwise.</summary>
internal sealed class RecordedRegistration : IModelRegistration
{
    private int _calls;

    public int Calls => _calls;

    /// <summary>What it says of every version's name.</summary>
    public Func<RegistrationRefusal?> OfName { get; set; } = () => null;

    /// <summary>Why it does not take models; <see langword="null"/> takes them the second time.</summary>
    public RegistrationRefusal? OfModel { get; set; }

    public Task<RegistrationRefusal?> CheckNameAsync(ModelVersionId version, CancellationToken cancellation) => Task.FromResult(OfName());

    public Task<RegistrationRefusal?> RegisterAsync(TrainingRun run, CancellationToken cancellation) => Task.FromResult(
        Interlocked.Increment(ref _calls) == 1 && OfModel is null ? new RegistrationRefusal("The registry is busy.", IsFinal: false) : OfModel);
}
