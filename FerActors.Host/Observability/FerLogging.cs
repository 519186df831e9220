using FerActors.Host.Results;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;
using Serilog;
using Serilog.Events;
using Serilog.Filters;

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
        var level = Enum.TryParse<LogEventLevel>(configuration["Logging:Level"], ignoreCase: true, out var parsed)
            ? parsed
            : LogEventLevel.Information;
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
            .WriteTo.Logger(console => console
                .Filter.ByExcluding(Matching.FromSource(ResultLogActor.Category))
                .WriteTo.Console(
                    standardErrorFromLevel: LogEventLevel.Verbose,
                    outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
                    formatProvider: System.Globalization.CultureInfo.InvariantCulture));
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
}
