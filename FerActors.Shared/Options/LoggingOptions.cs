namespace FerActors.Shared.Options;

/// <summary>How much the node says in its log.</summary>
public sealed record LoggingOptions
{
    public const string Section = "Logging";

    /// <summary>The lowest level that is written.</summary>
    public LogVerbosity Level { get; init; } = LogVerbosity.Information;

    /// <summary>
    /// Levels of namespaces and classes, each as <c>FerActors.Host.Http=Debug</c>, and of actors with those below them, each as
    /// <c>/user/rabbit-transport=Debug</c>; the longest name that fits counts.
    /// </summary>
    public IReadOnlyList<string> Levels { get; init; } = [];

    /// <summary>How the console's lines are written.</summary>
    public ConsoleFormat Console { get; init; } = ConsoleFormat.Text;

    /// <summary>The levels in <see cref="Levels"/>, those that can be read.</summary>
    public IEnumerable<(string Name, LogVerbosity Level)> NamedLevels() => Levels.Select(Read).OfType<(string, LogVerbosity)>();

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        foreach (var level in Levels.Where(level => Read(level) is null))
        {
            errors.Check(good: false, nameof(Levels), level, $"a namespace and a level such as FerActors.Host.Http=Debug or /user/rabbit-transport=Debug; the levels are {string.Join(", ", Enum.GetNames<LogVerbosity>())}");
        }

        return errors.All;
    }

    private static (string Name, LogVerbosity Level)? Read(string text) =>
        text.Split('=') is [var name, var level]
        && name.Trim().Length > 0
        && Enum.TryParse<LogVerbosity>(level.Trim(), ignoreCase: true, out var read)
        && Enum.IsDefined(read)
            ? (name.Trim(), read)
            : null;
}

/// <summary>Forms of a log line.</summary>
public enum ConsoleFormat
{
    /// <summary>A sentence for people.</summary>
    Text = 0,

    /// <summary>A JSON object with the sentence, its template and its properties.</summary>
    Json = 1,
}

/// <summary>Levels of log events, by Serilog's names.</summary>
public enum LogVerbosity
{
    Verbose = 0,
    Debug = 1,
    Information = 2,
    Warning = 3,
    Error = 4,
    Fatal = 5,
}
