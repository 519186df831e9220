namespace FerActors.Training.Data;

/// <summary>Keeps the first faults and counts them all, so that a hostile file cannot fill the memory with messages.</summary>
internal sealed class ErrorCollector(string source, int capacity)
{
    private const int MaxExcerpt = 40;
    private readonly List<string> _errors = [];

    public long Total { get; private set; }

    public void Add(string error)
    {
        Total++;
        if (_errors.Count < capacity)
        {
            _errors.Add(error);
        }
    }

    public void ThrowIfAny()
    {
        if (Total > 0)
        {
            throw ToException();
        }
    }

    public FerDataException ToException(Exception? inner = null) => new(source, _errors, Total, inner);

    /// <summary>Foreign text made fit for a message: short, one line, printable.</summary>
    public static string Excerpt(string text)
    {
        var shown = text.Length <= MaxExcerpt ? text : text[..MaxExcerpt] + "...";
        return string.Create(shown.Length, shown, static (target, value) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = char.IsControl(value[i]) || char.IsSurrogate(value[i]) ? '?' : value[i];
            }
        });
    }
}
