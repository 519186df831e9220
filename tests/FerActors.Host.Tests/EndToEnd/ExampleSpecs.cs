using System.Diagnostics;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>The clients of examples/, each as its own program before a node.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ExampleSpecs(BrokerNode broker) : IAsyncLifetime
{
    private const string Jars = "/usr/share/java/amqp-client.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-example-").FullName;
    private NodeQueues? _queues;

    public async Task InitializeAsync() => _queues = broker.Uri is null ? null : await NodeQueues.DeclareAsync(broker);

    public async Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        if (_queues is not null)
        {
            await _queues.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task The_Python_example_prints_a_line_for_each_image()
    {
        Skip.IfNot(await RunsAsync("/usr/bin/python3", "-c", "import pika"), "python3-pika is not installed (scripts/prepare clients).");

        var (code, output) = await ClassifyAsync("/usr/bin/python3", Path.Combine(Surroundings.Root, "examples", "python", "classify.py"));

        Check(code, output, "no face", "unsupported_format");
    }

    [SkippableFact]
    public async Task The_Node_example_prints_a_line_for_each_image()
    {
        var library = Path.Combine(Surroundings.Root, ".fer", "clients", "node_modules", "amqplib");
        Skip.IfNot(Directory.Exists(library), "amqplib is not installed (scripts/prepare clients).");

        // Modules are looked for above the program's own folder.
        var program = Path.Combine(_folder, "classify.mjs");
        File.Copy(Path.Combine(Surroundings.Root, "examples", "node", "classify.mjs"), program);
        Directory.CreateSymbolicLink(Path.Combine(_folder, "node_modules"), Path.GetDirectoryName(library)!);
        var (code, output) = await ClassifyAsync("node", program);

        Check(code, output, "no face", "unsupported_format");
    }

    [SkippableFact]
    public async Task The_Java_example_prints_the_result_of_each_image()
    {
        Skip.IfNot(Jars.Split(':').All(File.Exists), "librabbitmq-client-java or libslf4j-java is not installed (scripts/prepare clients).");
        Skip.IfNot(await RunsAsync("java", "-version"), "There is no Java.");

        var (_, output) = await ClassifyAsync("java", "-cp", Jars, Path.Combine(Surroundings.Root, "examples", "java", "Classify.java"));

        Check(1, output, "\"faces\":[]", "unsupported_format");
    }

    private void Check(int code, string output, string ofPicture, string ofText)
    {
        Assert.True(code == 1, output);
        Assert.Contains(output.Split('\n'), line => line.StartsWith(Path.Combine(_folder, "good.png"), StringComparison.Ordinal) && line.Contains(ofPicture, StringComparison.Ordinal));
        Assert.Contains(output.Split('\n'), line => line.StartsWith(Path.Combine(_folder, "bad.png"), StringComparison.Ordinal) && line.Contains(ofText, StringComparison.Ordinal));
    }

    private async Task<(int Code, string Output)> ClassifyAsync(string program, params string[] arguments)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        using var node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. _queues!.Settings,
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Logging:Level=Warning",
        ]));
        await node.StartAsync();
        var good = Path.Combine(_folder, "good.png");
        var bad = Path.Combine(_folder, "bad.png");
        await File.WriteAllBytesAsync(good, Surroundings.Picture(".png"));
        await File.WriteAllTextAsync(bad, "no picture");
        var answer = await RunAsync(program, [.. arguments, _queues.Options.Uri, good, bad]);
        await node.StopAsync();
        return answer;
    }

    private static async Task<bool> RunsAsync(string program, params string[] arguments)
    {
        try
        {
            return (await new ExampleProcess(program, arguments, "").RunAsync()).Code == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private Task<(int Code, string Output)> RunAsync(string program, string[] arguments) =>
        new ExampleProcess(program, arguments, _queues!.Options.ImagesQueue).RunAsync();

    private sealed record ExampleProcess(string Program, string[] Arguments, string Queue)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

        public async Task<(int Code, string Output)> RunAsync()
        {
            using var process = Process.Start(new ProcessStartInfo(Program, Arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["IMAGES_QUEUE"] = Queue },
            })!;
            using var limit = new CancellationTokenSource(Patience);
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await errors);
        }
    }
}
