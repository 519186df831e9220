using System.Threading.Channels;
using FerActors.Shared.Training;
using FerActors.Training.Node;

namespace FerActors.Host.Tests.Operator;

/// <summary>Training whose runs report and end as the test says; options with <c>epochs</c> 13 are refused.</summary>
internal sealed class ScriptedExecutor : ITrainingExecutor
{
    private readonly Channel<(IRunListener Listener, TaskCompletionSource<string> End)> _begun =
        Channel.CreateUnbounded<(IRunListener, TaskCompletionSource<string>)>();

    public IReadOnlyList<string> Validate(RunSpec spec) =>
        spec.OptionsJson.Contains("\"epochs\":13", StringComparison.Ordinal) ? ["13 epochs are unlucky."] : [];

    public async Task<string> RunAsync(RunSpec spec, int attempt, IRunListener listener, CancellationToken cancellation)
    {
        var end = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stop = cancellation.Register(() => end.TrySetCanceled(cancellation));
        await _begun.Writer.WriteAsync((listener, end), CancellationToken.None);
        return await end.Task;
    }

    /// <summary>The next attempt that begins.</summary>
    public async Task<(IRunListener Listener, TaskCompletionSource<string> End)> NextAsync()
    {
        using var limit = new CancellationTokenSource(OperatorNode.Patience);
        return await _begun.Reader.ReadAsync(limit.Token);
    }
}
