namespace FerActors.Shared.Options;

/// <summary>How much the node says in its log.</summary>
public sealed record LoggingOptions
{
    public const string Section = "Logging";

    /// <summary>The lowest level that is written.</summary>
    public LogVerbosity Level { get; init; } = LogVerbosity.Information;
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
