using System.Diagnostics;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Protocol;

/// <summary>The command lines of docs/protocol.md, run as they stand there.</summary>
[Collection(BrokerCollection.Name)]
public sealed class DocumentedCommandsSpecs(BrokerNode broker) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-protocol-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Every_line_of_the_protocol_page_works_with_Debian_s_own_tools()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.IfNot(HasTool("amqp-publish") && HasTool("amqp-consume"), "amqp-tools is not installed here.");
        var page = await File.ReadAllLinesAsync(Path.Combine(Surroundings.Root, "docs", "protocol.md"));
        var lines = page.Where(line => line.StartsWith("    amqp-", StringComparison.Ordinal)).Select(line => line.Trim()).ToList();
        await File.WriteAllBytesAsync(Path.Combine(_folder, "photo.jpg"), Surroundings.Picture(".jpg"));
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var node = FerProcess.Start(["host", .. queues.NodeArguments]);

        Assert.Equal(["amqp-publish", "amqp-publish", "amqp-consume"], lines.Select(line => line.Split(' ')[0]));
        foreach (var line in lines[..2])
        {
            Assert.Equal("", await ShellAsync(queues, line));
        }

        await node.SaidAsync("Consuming ");
        for (var i = 0; i < 2; i++)
        {
            var result = ResultJson.Deserialize(System.Text.Encoding.UTF8.GetBytes(await ShellAsync(queues, lines[2])));
            Assert.Null(result.Error);
            Assert.Equal("jpeg", result.Image!.Format);
            Assert.True(Guid.TryParse(result.MessageId, out _));
        }

        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.ResultsQueue));
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.ImagesQueue));
    }

    // The queues of this test stand for the two that the page names.
    private async Task<string> ShellAsync(NodeQueues queues, string line)
    {
        var command = line
            .Replace(" fer.images ", $" {queues.Options.ImagesQueue} ", StringComparison.Ordinal)
            .Replace(" fer.results ", $" {queues.Options.ResultsQueue} ", StringComparison.Ordinal);
        Assert.NotEqual(line, command);
        var start = new ProcessStartInfo("timeout", ["120", "/bin/sh", "-c", command])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["FER_RabbitMq__Uri"] = broker.Uri;
        using var shell = Process.Start(start)!;
        var output = shell.StandardOutput.ReadToEndAsync();
        var errors = shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();
        Assert.True(shell.ExitCode == 0, $"{command}\nends with {shell.ExitCode}: {await errors}");
        return await output;
    }

    private static bool HasTool(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));
}
