using System.Text;
using System.Text.Json;

namespace FerActors.Training.Sweeps;

/// <summary>The sweep's events on the disk, one JSON object a line. A line that a crash cut off is left out.</summary>
internal sealed class SweepJournal : IDisposable
{
    private readonly FileStream _stream;

    private SweepJournal(FileStream stream) => _stream = stream;

    /// <summary>Opens, or makes, the file; another process cannot open it meanwhile.</summary>
    /// <param name="path">The file.</param>
    /// <param name="state">A sweep that has not begun; given back as the file left it.</param>
    /// <exception cref="InvalidDataException">A line other than the last is damaged, or the file is another sweep's.</exception>
    /// <exception cref="IOException">The file cannot be opened; another process may run the sweep.</exception>
    public static SweepJournal Open(string path, ref SweepState state)
    {
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var journal = new SweepJournal(stream);
            state = journal.Replay(state);
            return journal;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public void Append(SweepEvent happened)
    {
        _stream.Write(Encoding.UTF8.GetBytes(happened.ToLine()));
        _stream.Flush(flushToDisk: true);
    }

    public void Dispose() => _stream.Dispose();

    private SweepState Replay(SweepState state)
    {
        var bytes = new byte[_stream.Length];
        _stream.ReadExactly(bytes);
        var whole = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        var number = 0;
        foreach (var line in Encoding.UTF8.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            number++;
            try
            {
                state = state.Apply(SweepEvent.FromLine(line));
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"Line {number} of {Path.GetFileName(_stream.Name)} is damaged: {e.Message}", e);
            }
        }

        _stream.SetLength(whole);
        _stream.Position = whole;
        return state;
    }
}
