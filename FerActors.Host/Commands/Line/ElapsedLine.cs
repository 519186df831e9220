namespace FerActors.Host.Commands.Line;

/// <summary>
/// Shows on standard error that a wait goes on, and for how long: on a terminal one line that is written over, elsewhere a line every
/// ten seconds. A wait of less than three seconds shows nothing.
/// </summary>
internal sealed class ElapsedLine : IAsyncDisposable
{
    private const int Silence = 3;
    private const int Between = 10;
    private const string Erase = "\r\u001b[K";

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _ticks;

    /// <param name="what">What is waited for; asked anew each second.</param>
    public ElapsedLine(Func<string> what) => _ticks = TickAsync(what, Console.Error, !Console.IsErrorRedirected);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _ticks;
        _ended.Dispose();
    }

    /// <summary>What is written after so many seconds, or <see langword="null"/>.</summary>
    internal static string? At(int seconds, string what, bool terminal) => (terminal, seconds) switch
    {
        (_, < Silence) => null,
        (true, _) => $"{Erase}{what}, {seconds} s",
        (false, Silence) => $"{what}, {seconds} s{Environment.NewLine}",
        (false, _) => seconds % Between == 0 ? $"{what}, {seconds} s{Environment.NewLine}" : null,
    };

    private async Task TickAsync(Func<string> what, TextWriter error, bool terminal)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var seconds = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                if (At(++seconds, what(), terminal) is { } text)
                {
                    await error.WriteAsync(text);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The wait is over.
        }

        if (terminal && seconds >= Silence)
        {
            await error.WriteAsync(Erase);
        }
    }
}
