using System.Text.Json;
using FerActors.Host.Commands;
using FerActors.Host.Tests.Operator;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer config</c>: what an operator looks at to learn which options there are and what is in force.</summary>
public sealed class ConfigCommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_option_is_there_with_default_value_and_source()
    {
        var file = Path.Combine(_folder, "node.json");
        await File.WriteAllTextAsync(file, """{ "Batching": { "MaxBatchSize": 8 }, "Cluster": { "Roles": [ "inference", "api" ] } }""");

        var (code, output, _) = await RunAsync("config", "--json", "--config", file, "--set", "RabbitMq:Prefetch=7");

        Assert.Equal(0, code);
        var rows = JsonDocument.Parse(output).RootElement.EnumerateArray().ToDictionary(
            row => row.GetProperty("option").GetString()!,
            row => (row.GetProperty("default").GetString(), row.GetProperty("value").GetString(), row.GetProperty("source").GetString()));
        Assert.Equal(OptionCatalog.All.Select(o => o.Path), rows.Keys);
        Assert.Equal(("32", "8", file), rows["Batching:MaxBatchSize"]);
        Assert.Equal(("", "inference, api", file), rows["Cluster:Roles"]);
        Assert.Equal(("64", "7", "--set"), rows["RabbitMq:Prefetch"]);
        Assert.Equal(("00:00:25", "00:00:25", "default"), rows["RabbitMq:DrainTimeout"]);
    }

    [Fact]
    public async Task A_variable_is_named_as_the_source_and_no_secret_is_shown()
    {
        await using var process = FerProcess.Start(
            ["config", "--changed"],
            ("FER_RabbitMq__Uri", "amqp://fer:s3cret@broker:5672/"), ("FER_Control__Token", "s3cret-and-long-enough"), ("FER_Seq__ApiKey", "s3cret"));

        Assert.Equal(0, await process.ExitAsync());
        Assert.Contains("FER_RabbitMq__Uri", process.Output, StringComparison.Ordinal);
        Assert.Contains("amqp://***@broker:5672/", process.Output, StringComparison.Ordinal);
        Assert.Contains("(not shown)", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", process.Output + process.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Batching:MaxBatchSize", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_section_or_an_option_alone_is_shown_and_a_misspelt_one_is_named()
    {
        var (code, section, _) = await RunAsync("config", "batching", "Registry:Gates");
        var (_, option, _) = await RunAsync("config", "Model:Device");
        var (misspelt, _, errors) = await RunAsync("config", "Batchng");

        Assert.Equal((0, 2), (code, misspelt));
        Assert.Contains("Batching:MaxBatchSize", section, StringComparison.Ordinal);
        Assert.Contains("Registry:Gates:MaxAccuracyDrop", section, StringComparison.Ordinal);
        Assert.DoesNotContain("Registry:Root", section, StringComparison.Ordinal);
        Assert.Contains("cpu", option, StringComparison.Ordinal);
        Assert.Equal("fer: 'Batchng' is no option and no section. Is Batching meant?", errors.Trim());
    }

    [Fact]
    public async Task Mistakes_are_listed_after_the_table_and_are_misuse()
    {
        var (code, output, errors) = await RunAsync("config", "Batching", "--set", "Batchng:MaxBatchSize=64", "--set", "Batching:MaxQueueSize=few");

        Assert.Equal(2, code);
        Assert.Contains("Batching:MaxBatchSize", output, StringComparison.Ordinal);
        Assert.Contains("Is Batching:MaxBatchSize meant?", errors, StringComparison.Ordinal);
        Assert.Contains("Batching:MaxQueueSize is 'few'", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(arguments, (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
