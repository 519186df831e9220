using System.Runtime.InteropServices;

namespace FerActors.Host.Commands.Line;

/// <summary>Turns SIGTERM and SIGINT into a cancellation.</summary>
/// <remarks>Made before anything else: until somebody handles a signal, it ends the process with 143 or 130 and without a word.</remarks>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public Signals() => (_terminate, _interrupt) =
        (PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));

    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The program has ended by itself.
        }
    }
}
