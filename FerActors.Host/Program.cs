using System.Runtime.InteropServices;
using FerActors.Host.Commands;

// Before anything else: until somebody handles it, a signal ends the process with 143 or 130 and without a word.
using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
return await FerCommandLine.RunAsync(args, stop.Token);

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    try
    {
        stop.Cancel();
    }
    catch (ObjectDisposedException)
    {
        // The program has ended by itself.
    }
}
