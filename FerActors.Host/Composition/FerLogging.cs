using Microsoft.Extensions.Configuration;
using Serilog;
using Serilog.Events;

namespace FerActors.Host.Composition;

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
            .Enrich.FromLogContext()
            .Enrich.WithProperty("Node", Environment.MachineName)
            .WriteTo.Console(
                standardErrorFromLevel: LogEventLevel.Verbose,
                outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}",
                formatProvider: System.Globalization.CultureInfo.InvariantCulture);
        if (configuration["Seq:ServerUrl"] is { Length: > 0 } server)
        {
            var key = configuration["Seq:ApiKeyFile"] is { Length: > 0 } file ? File.ReadAllText(file).Trim() : configuration["Seq:ApiKey"];
            var buffer = configuration["Seq:BufferPath"];
            logging.WriteTo.Seq(server, apiKey: key, bufferBaseFilename: string.IsNullOrEmpty(buffer) ? null : buffer);
        }
    }
}
