namespace FerActors.Training.Data;

/// <summary>Keeps the first faults and counts them all, so that a hostile file cannot fill the memory with messages.</summary>
/// <param name="source">The file or folder, as messages name it.</param>
/// <param name="capacity">Most messages that are kept: in all, and of each kind.</param>
/// <param name="lenient">Bad rows are counted and left out, and the good ones are kept; otherwise one bad row spoils the set.</param>
internal sealed class ErrorCollector(string source, int capacity, bool lenient = false)
{
    private const int MaxExcerpt = 40;
    private const int MaxSizes = 1000;
    private readonly List<string> _errors = [];
    private readonly SortedDictionary<DataFaultKind, (long Count, List<string> First)> _kinds = [];
    private readonly Dictionary<(long Width, long Height), int> _sizes = [];
    private readonly List<string> _places = [];

    public long Total { get; private set; }

    /// <summary>Whether a good image is still worth keeping.</summary>
    public bool Keeps => lenient || Total == 0;

    /// <summary>Where each kept image stood, in order; kept in the lenient mode only.</summary>
    public IReadOnlyList<string> Places => _places;

    /// <summary>The faults by kind.</summary>
    public IReadOnlyList<DataFaultSummary> Faults =>
        [.. _kinds.Select(kind => new DataFaultSummary(kind.Key, kind.Value.Count, kind.Value.First.AsReadOnly()))];

    /// <summary>The sizes, before scaling, of the images that were scaled to fit; the most frequent first.</summary>
    public IReadOnlyList<ImageSizeCount> Scaled =>
        [.. _sizes.Select(size => new ImageSizeCount(size.Key.Width, size.Key.Height, size.Value))
            .OrderByDescending(size => size.Images).ThenBy(size => size.Width).ThenBy(size => size.Height)];

    /// <summary>How many images were scaled to fit.</summary>
    public int ScaledImages { get; private set; }

    public void Add(string error, DataFaultKind kind = DataFaultKind.Form)
    {
        Total++;
        if (_errors.Count < capacity)
        {
            _errors.Add(error);
        }

        var (count, first) = _kinds.TryGetValue(kind, out var known) ? known : (0, []);
        if (first.Count < capacity)
        {
            first.Add(error);
        }

        _kinds[kind] = (count + 1, first);
    }

    /// <summary>Notes where a kept image stood.</summary>
    public void NotePlace(string place)
    {
        if (lenient)
        {
            _places.Add(place);
        }
    }

    /// <summary>Notes that an image is scaled to fit.</summary>
    public void NoteScaled(long width, long height)
    {
        ScaledImages++;
        if (_sizes.TryGetValue((width, height), out var images) || _sizes.Count < MaxSizes)
        {
            _sizes[(width, height)] = images + 1;
        }
    }

    public void ThrowIfAny()
    {
        if (Total > 0 && !lenient)
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
