using System.Globalization;
using FerActors.Host.Configuration;
using FerActors.Host.Results;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;
using Serilog;
using Serilog.Configuration;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting.Json;

namespace FerActors.Host.Observability;

/// <summary>Logging: the console always, Seq where <c>Seq:ServerUrl</c> is set.</summary>
public static class FerLogging
{
    /// <summary>
    /// Sets up a logger. Seq's events are buffered on disk under <c>Seq:BufferPath</c> where that is set, so that none is lost
    /// while Seq is down; the API key comes from <c>Seq:ApiKey</c> (environment) or the file <c>Seq:ApiKeyFile</c>.
    /// </summary>
    public static void Configure(LoggerConfiguration logging, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(logging);
        ArgumentNullException.ThrowIfNull(configuration);
        var options = OptionLists.Split(configuration).GetSection(LoggingOptions.Section).Get<LoggingOptions>() ?? new LoggingOptions();
        var level = LevelOf(options.Level);
        logging
            .MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            // A check that fails is an error to it, at each probe; HealthServer says what changes.
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)
            // A start that failed is told in one sentence by the command, not with the stacks of its hosts.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal)
            .Filter.ByExcluding(Matching.FromSource("Akka.Hosting.AkkaHostedService"))
            .MinimumLevel.Override(ResultLogActor.Category, LogEventLevel.Information)
            .Filter.ByExcluding(e => level > LogEventLevel.Debug && AkkaChatter.Is(e))
            .Enrich.FromLogContext()
            .Enrich.WithProperty("Node", Environment.MachineName)
            // A line for each result would hide all others.
            .WriteTo.Logger(console => WriteToConsole(console.Filter.ByExcluding(Matching.FromSource(ResultLogActor.Category)).WriteTo, options.Console));
        SetLevels(logging, level, [.. options.NamedLevels().Select(named => (named.Name, LevelOf(named.Level)))]);

        var seq = configuration.GetSection(SeqOptions.Section).Get<SeqOptions>() ?? new SeqOptions();
        if (seq.Enabled)
        {
            logging.WriteTo.Seq(
                seq.ServerUrl,
                apiKey: seq.ApiKeyFile is { Length: > 0 } file ? RegularFile.ReadAllText(file).Trim() : seq.ApiKey,
                bufferBaseFilename: string.IsNullOrEmpty(seq.BufferPath) ? null : seq.BufferPath,
                bufferSizeLimitBytes: seq.BufferBytes);
        }
    }

    /// <summary>The level from which Akka has to hand its events on: all of them are at least that.</summary>
    public static LogEventLevel LowestOfActors(LoggingOptions options) =>
        LevelOf(options.NamedLevels().Where(named => IsActor(named.Name)).Select(named => named.Level).Append(options.Level).Min());

    // Akka logs everything under one name of its own, and where it comes from beside it.
    private static void SetLevels(LoggerConfiguration logging, LogEventLevel level, IReadOnlyList<(string Name, LogEventLevel Level)> named)
    {
        foreach (var (name, own) in named.Where(named => !IsActor(named.Name)))
        {
            logging.MinimumLevel.Override(name, own);
        }

        var actors = named.Where(named => IsActor(named.Name)).OrderByDescending(named => named.Name.Length).ToList();
        if (actors.Count > 0)
        {
            logging.MinimumLevel.Override("Akka", actors.Select(actor => actor.Level).Append(level).Min());
            logging.Filter.ByExcluding(e => AkkaChatter.SourceOf(e) is { } source
                && e.Level < (actors.Where(actor => IsBelow(source, actor.Name)).Select(actor => (LogEventLevel?)actor.Level).FirstOrDefault() ?? level));
        }
    }

    private static bool IsActor(string name) => name.StartsWith('/');

    private static bool IsBelow(string source, string path) =>
        source.IndexOf(path, StringComparison.Ordinal) is >= 0 and var at
        && (at + path.Length == source.Length || source[at + path.Length] is '/' or '#' or ']' or '$');

    private static LoggerConfiguration WriteToConsole(LoggerSinkConfiguration to, ConsoleFormat format) => format == ConsoleFormat.Json
        ? to.Console(new JsonFormatter(renderMessage: true, formatProvider: CultureInfo.InvariantCulture), standardErrorFromLevel: LogEventLevel.Verbose)
        : to.Console(
            standardErrorFromLevel: LogEventLevel.Verbose,
            outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
            formatProvider: CultureInfo.InvariantCulture);

    // They have Serilog's names and numbers.
    private static LogEventLevel LevelOf(LogVerbosity level) => (LogEventLevel)level;
}
