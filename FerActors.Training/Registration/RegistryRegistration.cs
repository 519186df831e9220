using Akka.Actor;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Training.Runs;

namespace FerActors.Training.Registration;

/// <summary>Registers finished models with the registry's actor, wherever in the cluster it is.</summary>
/// <remarks>
/// The registry's node copies the folder by its path: the runs' folder must be the same storage there. A repetition is harmless, since
/// the registry takes the same content twice.
/// </remarks>
/// <param name="registry">The registry or its proxy.</param>
/// <param name="patience">How long to wait for an answer; the registry may be copying still, and then says so the next time.</param>
public sealed class RegistryRegistration(IActorRef registry, TimeSpan patience) : IModelRegistration
{
    /// <summary>A large model takes longer to copy, but the answer of a lost message never comes.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromMinutes(2);

    // Below the time that a command may take: whoever submits waits for it.
    private static readonly TimeSpan NamePatience = TimeSpan.FromSeconds(8);

    public async Task<RegistrationRefusal?> CheckNameAsync(ModelVersionId version, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(version);
        var least = patience < NamePatience ? patience : NamePatience;
        return await AskAsync(new RegistryQueries.IsFree(version), least, cancellation);
    }

    public async Task<RegistrationRefusal?> RegisterAsync(TrainingRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        var folder = run.ModelFolder ?? throw new ArgumentException("The run has no model folder.", nameof(run));
        var known = await RunProvenance.ReadAsync(Path.GetDirectoryName(folder) ?? folder, cancellation);
        var command = new RegistryCommands.Register(run.Spec.ModelVersion, folder, known with { RunId = run.Spec.Id.Value });
        return await AskAsync(command, patience, cancellation);
    }

    // A journal or a disk that fails may be mended, and what is busy ends.
    private async Task<RegistrationRefusal?> AskAsync(object message, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            var reply = await registry.Ask<RegistryReply>(message, limit, cancellation);
            return reply.Succeeded ? null : new RegistrationRefusal(reply.Message, reply.Code is not (RegistryCode.Busy or RegistryCode.Failed));
        }
        catch (AskTimeoutException)
        {
            return new RegistrationRefusal(FormattableString.Invariant($"The registry, on a node with the role control, did not answer within {limit.TotalSeconds:0.###} s."), IsFinal: false);
        }
    }
}
