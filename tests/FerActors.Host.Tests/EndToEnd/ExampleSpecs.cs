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

    [SkippableFact]
    public async Task The_CSharp_example_is_built_from_the_packages_and_prints_a_line_for_each_image_by_either_way()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var program = await BuildFromPackagesAsync();
        var api = $"http://127.0.0.1:{FreePort.Find()}/";

        var (overAmqp, overHttp) = await BeforeNodeAsync(
            async photos => (
                await RunAsync("dotnet", [program, _queues!.Options.Uri, .. photos]),
                await RunAsync("dotnet", [program, api, .. photos])),
            $"Api:Urls={api}");

        Check(overAmqp.Code, overAmqp.Output, "no face", "unsupported_format");
        Check(overHttp.Code, overHttp.Output, "no face", "unsupported_format");
    }

    private void Check(int code, string output, string ofPicture, string ofText)
    {
        Assert.True(code == 1, output);
        Assert.Contains(output.Split('\n'), line => line.StartsWith(Path.Combine(_folder, "good.png"), StringComparison.Ordinal) && line.Contains(ofPicture, StringComparison.Ordinal));
        Assert.Contains(output.Split('\n'), line => line.StartsWith(Path.Combine(_folder, "bad.png"), StringComparison.Ordinal) && line.Contains(ofText, StringComparison.Ordinal));
    }

    private Task<(int Code, string Output)> ClassifyAsync(string program, params string[] arguments) =>
        BeforeNodeAsync(photos => RunAsync(program, [.. arguments, _queues!.Options.Uri, .. photos]));

    private async Task<T> BeforeNodeAsync<T>(Func<string[], Task<T>> act, params string[] settings)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        using var node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. _queues!.Settings,
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Logging:Level=Warning",
            .. settings,
        ]));
        await node.StartAsync();
        var good = Path.Combine(_folder, "good.png");
        var bad = Path.Combine(_folder, "bad.png");
        await File.WriteAllBytesAsync(good, Surroundings.Picture(".png"));
        await File.WriteAllTextAsync(bad, "no picture");
        var answer = await act([good, bad]);
        await node.StopAsync();
        return answer;
    }

    // In a folder of its own, laid out as the checkout is, with a version that no cache of packages knows.
    private async Task<string> BuildFromPackagesAsync()
    {
        const string version = "0.1.0";
        var fresh = $"{version}-spec-{Guid.NewGuid():N}";
        var project = Directory.CreateDirectory(Path.Combine(_folder, "examples", "csharp")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Surroundings.Root, "examples", "csharp")))
        {
            var text = await File.ReadAllTextAsync(file);
            Assert.Equal(file.EndsWith(".csproj", StringComparison.Ordinal), text.Contains($"Version=\"{version}\"", StringComparison.Ordinal));
            await File.WriteAllTextAsync(Path.Combine(project, Path.GetFileName(file)), text.Replace($"Version=\"{version}\"", $"Version=\"{fresh}\"", StringComparison.Ordinal));
        }

        await MustRunAsync(Path.Combine(Surroundings.Root, "scripts", "pack"), Path.Combine(_folder, "artifacts", "packages"), fresh);
        await MustRunAsync("dotnet", "build", project, "-nologo", "-o", Path.Combine(project, "built"));
        return Path.Combine(project, "built", "Classify.dll");
    }

    private async Task MustRunAsync(string program, params string[] arguments)
    {
        var (code, output) = await RunAsync(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}:\n{output}");
    }

    private static async Task<bool> RunsAsync(string program, params string[] arguments)
    {
        try
        {
            return (await new ExampleProcess(program, arguments, "", Path.GetTempPath()).RunAsync()).Code == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private Task<(int Code, string Output)> RunAsync(string program, string[] arguments) =>
        new ExampleProcess(program, arguments, _queues!.Options.ImagesQueue, _folder).RunAsync();

    private sealed record ExampleProcess(string Program, string[] Arguments, string Queue, string Folder)
    {
        private static readonly string PackageFolder = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

        private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

        public async Task<(int Code, string Output)> RunAsync()
        {
            using var process = Process.Start(new ProcessStartInfo(Program, Arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["IMAGES_QUEUE"] = Queue,

                    // Of a build in it: new packages go into a folder of this spec's own, those that the checkout has are used where they are,
                    // and no server outlives it.
                    ["NUGET_PACKAGES"] = Path.Combine(Folder, "packages"),
                    ["RestoreFallbackFolders"] = PackageFolder,
                    ["MSBUILDDISABLENODEREUSE"] = "1",
                    ["UseSharedCompilation"] = "false",
                },
            })!;
            using var limit = new CancellationTokenSource(Patience);
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await errors);
        }
    }
}
