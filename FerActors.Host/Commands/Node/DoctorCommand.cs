using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Doctor;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer doctor</c>: everything that a node with this configuration needs, looked at before it starts. Changes nothing.</summary>
internal static class DoctorCommand
{
    private const string Subject = "configuration";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Prints an object with all findings instead of lines." };
        var command = new Command(
            "doctor", "Looks at all that a node with this configuration needs, and says what to do. Exit code 0: nothing keeps it from working; 1: something does.")
        {
            json,
        };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var (options, findings) = Read(configuration.Build(parsed));
            Action<Finding> tell = parsed.GetValue(json) ? _ => { } : finding => output.WriteLine(Line(finding));
            findings.ToList().ForEach(tell);

            // With mistakes the rest would look at defaults in the place of what was meant.
            if (!findings.Any(finding => finding.Level == FindingLevel.Failure))
            {
                var now = "";
                await using var elapsed = new ElapsedLine(() => $"Looking at {now}");
                findings = [.. findings, .. await Examination.RunAsync(Checks(options), name => now = name, tell, cancellation)];
            }

            var (failures, warnings) = (findings.Count(f => f.Level == FindingLevel.Failure), findings.Count(f => f.Level == FindingLevel.Warning));
            output.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new Report(failures == 0, failures, warnings, findings), Json)
                : $"{failures} {(failures == 1 ? "failure" : "failures")}, {warnings} {(warnings == 1 ? "warning" : "warnings")}.");
            return failures == 0 ? 0 : 1;
        });
        return command;
    }

    private static (FerOptions Options, IReadOnlyList<Finding> Findings) Read(IConfiguration configuration)
    {
        var (options, errors) = FerConfiguration.Check(configuration);
        return (options, errors.Count == 0
            ? [Finding.Ok(Subject, $"It has no mistakes; roles {string.Join(", ", options.Cluster.EffectiveRoles)}.")]
            : [.. errors.Select(error => Finding.Failure(Subject, error, "Mend it; 'fer config' shows where each value was written."))]);
    }

    private static IEnumerable<Check> Checks(FerOptions options) =>
        [.. new BrokerChecks(options).All(), .. new DatabaseChecks(options).All(), .. FileChecks.All(options), .. new MachineChecks(options).All()];

    private static string Line(Finding finding)
    {
        var word = finding.Level switch
        {
            FindingLevel.Ok => "ok     ",
            FindingLevel.Skipped => "-      ",
            FindingLevel.Warning => "WARNING",
            _ => "FAILURE",
        };
        return TablePrinter.Printable($"{word}  {finding.Check}: {finding.Text}{(finding.Remedy is { } remedy ? $" To do: {remedy}" : "")}");
    }

    private sealed record Report(bool Healthy, int Failures, int Warnings, IReadOnlyList<Finding> Findings);
}
