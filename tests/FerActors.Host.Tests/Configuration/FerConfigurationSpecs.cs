using System.Text.RegularExpressions;
using FerActors.Host.Configuration;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Configuration;

/// <summary>What a person may have written wrong in a configuration, and the sentence for it.</summary>
public sealed partial class FerConfigurationSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-configuration-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Batchng:MaxBatchSize=64", "Batchng:MaxBatchSize (--set) is no option. Is Batching:MaxBatchSize meant?")]
    [InlineData("RabitMq:Uri=x", "RabitMq:Uri (--set) is no option. Is RabbitMq:Uri meant?")]
    [InlineData("Batching:MaxBatchSiez=64", "Batching:MaxBatchSiez (--set) is no option. Is Batching:MaxBatchSize meant?")]
    [InlineData("Registry:Gates:MaxAcuracyDrop=1", "Registry:Gates:MaxAcuracyDrop (--set) is no option. Is Registry:Gates:MaxAccuracyDrop meant?")]
    [InlineData("Registry:Gtaes:MaxAccuracyDrop=1", "Registry:Gtaes:MaxAccuracyDrop (--set) is no option. Is Registry:Gates:MaxAccuracyDrop meant?")]
    [InlineData("MaxBatchSize=64", "MaxBatchSize (--set) is no option. Is Batching:MaxBatchSize meant?")]
    [InlineData("Model:MaxQueueSize=64", "Model:MaxQueueSize (--set) is no option. Is Pipeline:MaxQueueSize or Batching:MaxQueueSize meant?")]
    [InlineData("Cluster:Rols:0=api", "Cluster:Rols:0 (--set) is no option. Is Cluster:Roles meant?")]
    [InlineData("Cluster:Roles:first=api", "Cluster:Roles:first (--set) is no option. Items of a list have numbers from 0: Cluster:Roles:0.")]
    [InlineData("RabbitMq:Uri:Host=x", "RabbitMq:Uri:Host (--set) is no option.")]
    [InlineData("Nonsense:Words=1", "Nonsense:Words (--set) is no option. 'fer config' lists all options.")]
    [InlineData("Batching=64", "Batching (--set) is a section and has no value of its own; name one of its options, such as Batching:MaxBatchSize.")]
    [InlineData("Logging:Levl=Debug", "Logging:Levl (--set) is no option. Is Logging:Level meant?")]
    [InlineData("RABBITMQ_HOME=/opt", "RABBITMQ_HOME (--set) is no option.")]
    public void A_name_that_no_option_has_is_refused_with_the_nearest(string setting, string sentence) =>
        Assert.Contains(Mistakes(setting), m => m.StartsWith(sentence, StringComparison.Ordinal));

    [Theory]
    [InlineData("Batching:MaxBatchSize=many", "Batching:MaxBatchSize is 'many'; it must be a whole number.")]
    [InlineData("Batching:MaxQueueDelay=5ms", "Batching:MaxQueueDelay is '5ms'; it must be a time such as 00:00:30.")]
    [InlineData("Batching:PreferredBatchSizes:0=x", "Batching:PreferredBatchSizes:0 is 'x'; it must be a whole number.")]
    [InlineData("Cluster:Alone=maybe", "Cluster:Alone is 'maybe'; it must be true or false.")]
    [InlineData("Drift:PsiWarn=0,5", "Drift:PsiWarn is '0,5'; it must be a number.")]
    [InlineData("Detection:Detector=Viola", "Detection:Detector is 'Viola'; it must be one of Auto, YuNet, Haar.")]
    [InlineData("Detection:Detector=7", "Detection:Detector is '7'; it must be one of Auto, YuNet, Haar.")]
    [InlineData("Logging:Level=Debgu", "Logging:Level is 'Debgu'; it must be one of Verbose, Debug, Information, Warning, Error, Fatal.")]
    public void A_value_that_cannot_be_read_is_refused_with_what_it_must_be(string setting, string sentence) =>
        Assert.Contains(sentence, Mistakes(setting));

    [Fact]
    public void All_mistakes_are_listed_at_once()
    {
        var mistakes = Mistakes(
            "Batchng:MaxBatchSize=64", "RabitMq:Uri=x", "Batching:MaxBatchSize=many", "Batching:MaxQueueSize=few", "RabbitMq:Prefetch=0", "Model:Device=tpu");

        Assert.Equal(6, mistakes.Count);
    }

    [Fact]
    public void Names_of_a_file_are_checked_at_every_level_and_the_file_is_named()
    {
        var file = Write("""{ "Batching": { "MaxBatchSiez": 4 }, "Registry": { "Gates": { "Max": { "Accuracy": 1 } } }, "Modl": {}, "Cluster": { "Roles": ["api"] } }""");

        var mistakes = Assert.Throws<ConfigurationException>(() => FerConfiguration.Read(FerConfiguration.Build(file, []))).Errors;

        Assert.Equal(
            [
                $"Batching:MaxBatchSiez ({file}) is no option. Is Batching:MaxBatchSize meant?",
                $"Modl ({file}) is no option. Is Model meant?",
                $"Registry:Gates:Max:Accuracy ({file}) is no option. Is Registry:Gates:MaxAccuracyDrop meant?",
            ],
            mistakes);
    }

    [Fact]
    public void Sections_of_dotnets_own_hosts_and_empty_ones_pass()
    {
        var file = Write(
            """
            {
              "AllowedHosts": "*", "ConnectionStrings": { "Default": "x" }, "Kestrel": { "Limits": { "MaxRequestBodySize": 1 } },
              "Logging": { "Level": "Error", "LogLevel": { "Default": "Debug" }, "Console": { "IncludeScopes": true } },
              "Serilog": { "MinimumLevel": "Debug" }, "Batching": {}, "Cluster": { "SeedNodes": [] }
            }
            """);

        Assert.Equal(LogVerbosity.Error, FerConfiguration.Read(FerConfiguration.Build(file, [])).Logging.Level);
    }

    [Theory]
    [InlineData("{ \"Batching\": ", "Failed to load configuration from file")]
    [InlineData(null, "There is no file")]
    public void A_file_that_cannot_be_read_is_a_sentence(string? content, string sentence)
    {
        var file = content is null ? Path.Combine(_folder, "absent.json") : Write(content);

        var mistakes = Assert.Throws<ConfigurationException>(() => FerConfiguration.Build(file, [])).Errors;

        Assert.StartsWith(sentence, Assert.Single(mistakes), StringComparison.Ordinal);
        Assert.Contains(file, mistakes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Neither_a_secret_nor_an_address_without_its_name_is_repeated()
    {
        var value = Mistakes("Control:Token:0=s3cret", "Control:Port=amqp://fer:s3cret@broker");
        var form = Assert.Throws<ConfigurationException>(() => FerConfiguration.Build(null, ["amqp://fer:s3cret@broker", "Prefetch"])).Errors;

        Assert.All([.. value, .. form], sentence => Assert.DoesNotContain("s3cret", sentence, StringComparison.Ordinal));
        Assert.Equal(2, form.Count);
    }

    [Theory]
    [InlineData("FER_RabitMq__Uri", "x", "Is FER_RabbitMq__Uri meant?")]
    [InlineData("FER_RABBITMQ_URI", "x", "Is FER_RabbitMq__Uri meant?")]
    [InlineData("FER_Cluster__Rols__0", "api", "Is FER_Cluster__Roles meant?")]
    [InlineData("FER_HEALTH_PORT", "9120", "Is FER_Health__Port meant?")]
    [InlineData("FER_RABBITMQ_HOM", "/opt", "Is FER_RABBITMQ_HOME meant?")]
    [InlineData("FER_MaxBatchSize", "3", "Is FER_Batching__MaxBatchSize meant?")]
    public async Task A_misspelt_variable_stops_a_command_with_the_nearest(string name, string value, string sentence)
    {
        await using var process = FerProcess.Start(["health"], (name, value));

        Assert.Equal(2, await process.ExitAsync());
        Assert.Contains($"  - {name} (environment) is no option. {sentence}", process.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variables_that_are_no_options_and_those_that_Kubernetes_makes_stop_nothing()
    {
        await using var process = FerProcess.Start(
            ["health", "--url", "http://127.0.0.1:1"],
            [
                .. FerVariables.Known.Where(name => name != "FER_LIBTORCH_DIR").Select(name => (name, "x")),
                ("FER_SERVICE_HOST", "10.0.0.1"), ("FER_SERVICE_PORT", "80"), ("FER_PORT", "tcp://10.0.0.1:80"),
                ("FER_CLUSTER_SERVICE_HOST", "10.0.0.1"), ("FER_CLUSTER_SERVICE_PORT_REMOTING", "5055"),
                ("FER_CLUSTER_PORT", "tcp://10.0.0.1:5055"), ("FER_CLUSTER_PORT_5055_TCP", "tcp://10.0.0.1:5055"),
                ("FER_CLUSTER_PORT_5055_TCP_ADDR", "10.0.0.1"), ("FER_CLUSTER_PORT_5055_TCP_PROTO", "tcp"),
                ("FER_Logging__LogLevel__Default", "Debug"), ("FER_RABBITMQ__PREFETCH", "3"),
            ]);

        Assert.Equal(1, await process.ExitAsync());
        Assert.Contains("No node answers", process.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_variable_of_the_repository_is_known()
    {
        string[] passedOver = [".git", ".fer", "artifacts", "data", "models", "out", "runs"];
        var files = Directory.GetDirectories(Surroundings.Root)
            .Where(folder => !passedOver.Contains(Path.GetFileName(folder)))
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is "" or ".cs" or ".md" or ".yaml" or ".yml" or ".env" or ".py")
            .Concat(Directory.GetFiles(Surroundings.Root).Where(file => Path.GetFileName(file) is "run" or "Dockerfile"));
        var used = files
            .Where(file => Path.GetFileName(file) != "FerConfigurationSpecs.cs")
            .SelectMany(file => Variable().Matches(File.ReadAllText(file)).Select(match => match.Value))
            .ToHashSet(StringComparer.Ordinal);

        Assert.Contains("FER_CHAOS", used);
        Assert.DoesNotContain(used, name => !FerVariables.IsForeign(name, "tcp://10.0.0.1:5055"));
    }

    // Options have two underscores and small letters.
    [GeneratedRegex("(?<![A-Za-z0-9_])FER_[A-Z0-9]+(_[A-Z0-9]+)*(?![A-Za-z0-9_])")]
    private static partial Regex Variable();

    private static IReadOnlyList<string> Mistakes(params string[] settings) =>
        Assert.Throws<ConfigurationException>(() => FerConfiguration.Read(FerConfiguration.Build(null, settings))).Errors;

    private string Write(string json)
    {
        var file = Path.Combine(_folder, "node.json");
        File.WriteAllText(file, json);
        return file;
    }
}
