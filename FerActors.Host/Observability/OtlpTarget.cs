using FerActors.Host.Configuration;
using FerActors.Shared.Files;
using FerActors.Shared.Options;

namespace FerActors.Host.Observability;

/// <summary>Where one signal goes by OTLP: what the options say, and where they say nothing, OpenTelemetry's own variables.</summary>
/// <param name="Endpoint">The whole address.</param>
/// <param name="Protocol">How it is spoken to.</param>
/// <param name="Headers"><c>name=value,name=value</c>, a secret; absent for none.</param>
internal sealed record OtlpTarget(Uri Endpoint, OtlpProtocol Protocol, string? Headers)
{
    /// <summary>What chooses the traces that are recorded, in the place of <c>Telemetry:TraceShare</c>.</summary>
    public const string SamplerVariable = "OTEL_TRACES_SAMPLER";

    private const string ArgumentVariable = "OTEL_TRACES_SAMPLER_ARG";
    private const string Prefix = "OTEL_EXPORTER_OTLP_";

    private static readonly string[] Samplers =
        ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];

    /// <summary>The signals that have somewhere to go.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="environment">A variable's value; <see langword="null"/> or empty where it is not set.</param>
    /// <exception cref="ConfigurationException">A variable cannot be read; all mistakes are listed, and no value that may hold a secret.</exception>
    public static IReadOnlyDictionary<TelemetrySignal, OtlpTarget> Of(TelemetryOptions options, Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(environment);
        var targets = new Dictionary<TelemetrySignal, OtlpTarget>();
        if (string.Equals(environment("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
        {
            return targets;
        }

        var errors = new List<string>();
        foreach (var signal in options.Signals.Distinct())
        {
            var name = signal.ToString().ToUpperInvariant();
            if (Value($"OTEL_{name}_EXPORTER") is { } exporter && !exporter.Split(',', StringSplitOptions.TrimEntries).Contains("otlp"))
            {
                if (exporter != "none")
                {
                    errors.Add($"OTEL_{name}_EXPORTER is '{exporter}'; it must be otlp or none.");
                }

                continue;
            }

            var protocol = options.Protocol ?? ProtocolOf($"{Prefix}{name}_PROTOCOL") ?? ProtocolOf($"{Prefix}PROTOCOL") ?? OtlpProtocol.Grpc;
            if (EndpointOf(signal, name, protocol) is { } endpoint)
            {
                targets[signal] = new OtlpTarget(endpoint, protocol, HeadersOf(name));
            }
        }

        if (Value(SamplerVariable) is { } sampler && !Samplers.Contains(sampler))
        {
            errors.Add($"{SamplerVariable} is '{sampler}'; it must be one of {string.Join(", ", Samplers)}.");
        }

        if (Value(ArgumentVariable) is { } argument
            && (!double.TryParse(argument, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out var share) || share > 1))
        {
            errors.Add($"{ArgumentVariable} is '{argument}'; it must be a number from 0 to 1.");
        }

        return errors.Count == 0 ? targets : throw new ConfigurationException([.. errors.Distinct()]);

        string? Value(string variable) => environment(variable) is { } value && value.Trim().Length > 0 ? value.Trim() : null;

        OtlpProtocol? ProtocolOf(string variable)
        {
            switch (Value(variable))
            {
                case null:
                    return null;
                case "grpc":
                    return OtlpProtocol.Grpc;
                case "http/protobuf":
                    return OtlpProtocol.HttpProtobuf;
                case var other:
                    errors.Add($"{variable} is '{other}'; it must be grpc or http/protobuf.");
                    return null;
            }
        }

        Uri? EndpointOf(TelemetrySignal signal, string name, OtlpProtocol protocol)
        {
            var (text, source, whole) =
                signal == TelemetrySignal.Traces && options.TracesUrl.Length > 0 ? (options.TracesUrl, "", true)
                : options.Url.Length > 0 ? (options.Url, "", false)
                : Value($"{Prefix}{name}_ENDPOINT") is { } own ? (own, $"{Prefix}{name}_ENDPOINT", true)
                : (Value($"{Prefix}ENDPOINT"), $"{Prefix}ENDPOINT", false);
            if (text is null)
            {
                return null;
            }

            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            {
                errors.Add($"{source} is '{Redaction.Of(text)}'; it must be the http(s) address of an OTLP collector.");
                return null;
            }

            return whole || protocol == OtlpProtocol.Grpc ? uri : new Uri($"{uri.GetLeftPart(UriPartial.Path).TrimEnd('/')}/v1/{name.ToLowerInvariant()}");
        }

        string? HeadersOf(string name) =>
            options.HeadersFile is { Length: > 0 } file ? RegularFile.ReadAllText(file).Trim()
            : options.Headers is { Length: > 0 } given ? given
            : Value($"{Prefix}{name}_HEADERS") ?? Value($"{Prefix}HEADERS");
    }

    // A record would print the headers.
    public override string ToString() => $"{Redaction.Of(Endpoint.ToString())} ({Protocol})";
}
