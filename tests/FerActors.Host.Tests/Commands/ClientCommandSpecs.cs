using System.Net;
using System.Net.Sockets;
using System.Text;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer classify</c> and <c>fer-lab soak</c> before a node, and before none.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ClientCommandSpecs(BrokerNode broker) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-client-").FullName;
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
    public async Task Photos_are_classified_shown_and_annotated()
    {
        using var node = await StartNodeAsync();
        var good = Write("good.png", Surroundings.Picture(".png"));
        var pictures = Path.Combine(_folder, "out");

        var (code, output, errors) = await FerProcess.RunAsync(["classify", good, "--json", "--out", pictures, .. _queues!.Arguments]);

        Assert.True(code == 0, errors);
        var result = ResultJson.Deserialize(Encoding.UTF8.GetBytes(output.Trim()));
        Assert.StartsWith("good.png-", result.MessageId, StringComparison.Ordinal);
        Assert.Null(result.Error);
        Assert.Equal((byte)0x89, (await File.ReadAllBytesAsync(Path.Combine(pictures, "good.annotated.png")))[0]);
        await node.StopAsync();
    }

    [SkippableFact]
    public async Task An_image_with_an_error_is_shown_with_its_sentence_and_fails_the_command()
    {
        using var node = await StartNodeAsync();
        var good = Write("good.png", Surroundings.Picture(".png"));
        var bad = Write("bad.png", "[red]no picture[/]"u8.ToArray());

        var (code, output, _) = await FerProcess.RunAsync(["classify", good, bad, .. _queues!.Arguments]);

        Assert.Equal(1, code);
        Assert.Contains("no face", output, StringComparison.Ordinal);
        Assert.Contains("bad.png", output, StringComparison.Ordinal);
        Assert.Contains("unsupported", output, StringComparison.Ordinal);
        await node.StopAsync();
    }

    [SkippableFact]
    public async Task A_soak_counts_one_result_for_each_image()
    {
        using var node = await StartNodeAsync();
        var crop = Write("crop.png", Surroundings.Picture(".png", side: 48));
        var text = Write("text.png", "no picture"u8.ToArray());

        var (code, output, errors) = await FerProcess.RunLabAsync(
            ["soak", crop, text, "--count", "60", "--aligned", .. _queues!.Arguments]);

        Assert.True(code == 0, errors);
        Assert.Contains("published 60", output, StringComparison.Ordinal);
        Assert.Contains(
            "results 60, distinct message ids 60, duplicates 0, faces 30, errors 30 unsupported_format=30", output, StringComparison.Ordinal);
        await node.StopAsync();
    }

    [SkippableFact]
    public async Task Without_a_node_the_wait_ends_with_a_question_and_the_image_stays_in_the_queue()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var photo = Write("photo.png", Surroundings.Picture(".png"));

        var (code, _, errors) = await FerProcess.RunAsync(["classify", photo, "--timeout", "1", .. _queues!.Arguments]);

        Assert.Equal(1, code);
        Assert.Contains("No result came within 1 s. Does a node run (fer host) on this broker?", errors, StringComparison.Ordinal);
        Assert.Equal(1u, await _queues.Client.Channel.MessageCountAsync(_queues.Options.ImagesQueue));
    }

    [SkippableFact]
    public async Task A_photo_that_is_not_there_is_named()
    {
        Skip.If(broker.Uri is null, broker.Absence);

        var (code, _, errors) = await FerProcess.RunAsync(["classify", Path.Combine(_folder, "nowhere.jpg"), .. _queues!.Arguments]);

        Assert.Equal(1, code);
        Assert.Contains("nowhere.jpg", errors, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_folder_means_the_images_in_it()
    {
        using var node = await StartNodeAsync();
        Write("one.png", Surroundings.Picture(".png"));
        Write("two.JPG", Surroundings.Picture(".jpg"));
        Write("notes.txt", "no picture"u8.ToArray());

        var (code, output, errors) = await FerProcess.RunAsync(["classify", _folder, .. _queues!.Arguments]);

        Assert.True(code == 0, errors);
        Assert.Contains("one.png", output, StringComparison.Ordinal);
        Assert.Contains("two.JPG", output, StringComparison.Ordinal);
        Assert.DoesNotContain("notes.txt", output, StringComparison.Ordinal);
        await node.StopAsync();
    }

    [Fact]
    public async Task A_folder_without_images_is_named()
    {
        Write("notes.txt", "no picture"u8.ToArray());

        var (code, _, errors) = await FerProcess.RunAsync("classify", _folder, "--set", "RabbitMq:Uri=amqp://127.0.0.1:1/");

        Assert.Equal(1, code);
        Assert.Contains($"The folder '{_folder}' holds no file that ends in .jpg", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amqp://fer:s3cret@127.0.0.1:1/", "No broker listens at 127.0.0.1:1.")]
    [InlineData("amqp://fer:s3cret@no-such-host.invalid/", "The broker's name 'no-such-host.invalid' cannot be resolved")]
    public async Task A_broker_that_is_not_there_is_named_without_the_password(string uri, string sentence)
    {
        var (code, _, errors) = await FerProcess.RunAsync("classify", Write("a.png", Surroundings.Picture(".png")), "--set", $"RabbitMq:Uri={uri}");

        Assert.Equal(1, code);
        Assert.Contains(sentence, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", errors, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("amqp://guest:s3cret@{0}:{1}/", "refuses the user 'guest' or its password")]
    [InlineData("amqp://{2}@{0}:{1}/no-such-place", "refuses: ")]
    [InlineData("amqps://guest:s3cret@{0}:{1}/", "TLS")]
    public async Task A_broker_that_lets_nobody_in_says_why(string uri, string sentence)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var at = new Uri(broker.Uri);
        var address = string.Format(System.Globalization.CultureInfo.InvariantCulture, uri, at.Host, at.Port, at.UserInfo);

        var (code, _, errors) = await FerProcess.RunAsync("classify", Write("a.png", Surroundings.Picture(".png")), "--set", $"RabbitMq:Uri={address}");

        Assert.Equal(1, code);
        Assert.Contains($"fer: The broker at {at.Host}:{at.Port} ", errors, StringComparison.Ordinal);
        Assert.Contains(sentence, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_listens_and_is_no_broker_is_named()
    {
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        var port = ((IPEndPoint)stranger.LocalEndpoint).Port;
        var hangingUp = HangUpAsync();

        var (code, _, errors) = await FerProcess.RunAsync(
            "classify", Write("a.png", Surroundings.Picture(".png")), "--set", $"RabbitMq:Uri=amqp://fer:s3cret@127.0.0.1:{port}/");

        stranger.Stop();
        await hangingUp;
        Assert.Equal(1, code);
        Assert.Contains($"The broker at 127.0.0.1:{port} ends the connection at once", errors, StringComparison.Ordinal);

        async Task HangUpAsync()
        {
            try
            {
                while (true)
                {
                    (await stranger.AcceptTcpClientAsync()).Dispose();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }
    }

    [SkippableFact]
    public async Task A_node_that_may_open_too_few_files_says_so_before_it_starts()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Limits are read where Linux has them.");
        await using var node = FerProcess.StartBehind(["sh", "-c", "ulimit -n 200; exec \"$@\"", "sh"], ["host"]);

        Assert.Equal(1, await node.ExitAsync());
        Assert.Contains("fer: The system lets this process open 200 files; a node needs 512", node.Errors, StringComparison.Ordinal);
    }

    private async Task<IHost> StartNodeAsync()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. _queues!.Settings,
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Logging:Level=Warning",
        ]));
        await node.StartAsync();
        return node;
    }

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
