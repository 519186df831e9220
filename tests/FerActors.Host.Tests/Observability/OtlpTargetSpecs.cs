using FerActors.Host.Configuration;
using FerActors.Host.Observability;
using FerActors.Shared.Options;

namespace FerActors.Host.Tests.Observability;

/// <summary>Where each signal goes, by options and by OpenTelemetry's variables.</summary>
public sealed class OtlpTargetSpecs
{
    [Fact]
    public void Without_a_collector_nothing_is_sent() => Assert.Empty(Of(new TelemetryOptions()));

    [Fact]
    public void A_collector_for_traces_alone_gets_traces_alone() =>
        Assert.Equal([(TelemetrySignal.Traces, "http://a:4317/")], Addresses(Of(new TelemetryOptions { TracesUrl = "http://a:4317" })));

    [Fact]
    public void Over_HTTP_each_signal_has_its_path_behind_the_address_and_over_gRPC_none()
    {
        var options = new TelemetryOptions { Url = "http://a:4318/otlp/" };

        Assert.Equal(
            ["http://a:4318/otlp/v1/traces", "http://a:4318/otlp/v1/metrics", "http://a:4318/otlp/v1/logs"],
            Addresses(Of(options with { Protocol = OtlpProtocol.HttpProtobuf })).Select(target => target.Address));
        Assert.All(Addresses(Of(options)), target => Assert.Equal("http://a:4318/otlp/", target.Address));
    }

    [Fact]
    public void Options_go_before_variables_and_a_signal_s_own_variable_before_the_common_one()
    {
        (string, string)[] environment =
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://common:4317"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:4318/v1/logs"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"), ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "b=2"),
        ];

        var byVariables = Of(new TelemetryOptions(), environment);
        var byOptions = Of(new TelemetryOptions { Url = "http://mine:4317", Headers = "c=3" }, environment);

        Assert.Equal(new OtlpTarget(new Uri("http://common:4317"), OtlpProtocol.Grpc, "a=1"), byVariables[TelemetrySignal.Metrics]);
        Assert.Equal(new OtlpTarget(new Uri("http://logs:4318/v1/logs"), OtlpProtocol.HttpProtobuf, "b=2"), byVariables[TelemetrySignal.Logs]);
        Assert.Equal(new OtlpTarget(new Uri("http://mine:4317"), OtlpProtocol.Grpc, "c=3"), byOptions[TelemetrySignal.Metrics]);
        Assert.DoesNotContain("c=3", byOptions[TelemetrySignal.Metrics].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_can_be_left_out_by_option_and_by_variable_and_all_by_the_switch()
    {
        var options = new TelemetryOptions { Url = "http://a:4317" };

        Assert.Equal([TelemetrySignal.Logs], Of(options with { Send = [TelemetrySignal.Logs] }).Keys);
        Assert.Equal([TelemetrySignal.Traces, TelemetrySignal.Logs], Of(options, ("OTEL_METRICS_EXPORTER", "none")).Keys);
        Assert.Empty(Of(options, ("OTEL_SDK_DISABLED", "true")));
    }

    [Fact]
    public void All_variables_that_cannot_be_read_are_named_at_once()
    {
        var mistakes = Assert.Throws<ConfigurationException>(() => Of(
            new TelemetryOptions(),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_TRACES_SAMPLER", "often"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"), ("OTEL_LOGS_EXPORTER", "console"))).Errors;

        Assert.Equal(5, mistakes.Count);
        Assert.All(["_ENDPOINT", "_PROTOCOL", "_SAMPLER ", "_SAMPLER_ARG", "OTEL_LOGS_EXPORTER"], name => Assert.Contains(mistakes, m => m.Contains(name, StringComparison.Ordinal)));
    }

    private static IReadOnlyDictionary<TelemetrySignal, OtlpTarget> Of(TelemetryOptions options, params (string Name, string Value)[] environment) =>
        OtlpTarget.Of(options, name => environment.Where(variable => variable.Name == name).Select(variable => variable.Value).FirstOrDefault());

    private static IEnumerable<(TelemetrySignal Signal, string Address)> Addresses(IReadOnlyDictionary<TelemetrySignal, OtlpTarget> targets) =>
        targets.Select(target => (target.Key, target.Value.Endpoint.ToString()));
}
