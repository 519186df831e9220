using System.Buffers.Binary;
using System.Text;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Pictures;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Hosting;
using OpenCvSharp;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>The whole node as it ships, with its own model, behind a real broker: what goes in, and the one thing that comes out.</summary>
[Collection(BrokerCollection.Name)]
public sealed class EndToEndSpecs(BrokerNode broker) : IAsyncLifetime
{
    private readonly string _suffix = Guid.NewGuid().ToString("N")[..8];
    private readonly NodeData _data = new();
    private IHost? _node;
    private PublisherClient? _client;

    private string Images => $"fer.images.{_suffix}";

    private string Results => $"fer.results.{_suffix}";

    private string Dead => $"fer.dead.{_suffix}";

    private string Feedback => $"fer.feedback.{_suffix}";

    public async Task InitializeAsync()
    {
        if (broker.Uri is null)
        {
            return;
        }

        _client = await PublisherClient.ConnectAsync(broker.Uri);
        _node = FerNode.Build(FerConfiguration.Build(null,
        [
            $"RabbitMq:Uri={broker.Uri}",
            $"RabbitMq:ImagesQueue={Images}",
            $"RabbitMq:ResultsQueue={Results}",
            $"RabbitMq:DeadLetterQueue={Dead}",
            $"RabbitMq:FeedbackQueue={Feedback}",
            $"RabbitMq:FeedbackDeadLetterQueue={Feedback}.dead",
            $"RabbitMq:DeadLetterExchange=fer.dlx.{_suffix}",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Logging:Level=Warning",
            .. _data.Settings,
        ]));
        await _node.StartAsync();
        await WaitForConsumerAsync();
    }

    public async Task DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.StopAsync();
            _node.Dispose();
        }

        if (_client is not null)
        {
            foreach (var queue in new[] { Images, Results, Dead, Feedback, Feedback + ".dead" })
            {
                await _client.Channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false);
            }

            await _client.DisposeAsync();
        }

        _data.Dispose();
    }

    [SkippableFact]
    public async Task Every_bad_input_gets_its_one_outcome_and_the_good_ones_around_it_are_answered()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var gray = Encode(".png", MatType.CV_8UC3);
        var jpeg = Encode(".jpg", MatType.CV_8UC3);
        var cases = new (string Id, byte[] Body, Dictionary<string, object?>? Headers, string? Code)[]
        {
            ("good-before", gray, null, null),
            ("empty", [], null, ErrorCodes.EmptyBody),
            ("text", "I am not a picture."u8.ToArray(), null, ErrorCodes.UnsupportedFormat),
            ("svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray(), null, ErrorCodes.UnsupportedFormat),
            ("truncated-jpeg", jpeg[..(jpeg.Length / 2)], null, ErrorCodes.CorruptImage),
            ("truncated-png", gray[..(gray.Length / 2)], null, ErrorCodes.CorruptImage),
            ("bomb", PngHeader(30_000, 30_000), null, ErrorCodes.TooLarge),
            ("long", new byte[(8 * 1024 * 1024) + 1], null, ErrorCodes.TooLarge),
            ("gif", Encoding.ASCII.GetBytes("GIF89a" + new string('\0', 64)), null, ErrorCodes.UnsupportedFormat),
            ("sixteen-bit", Encode(".png", MatType.CV_16UC3), null, null),
            ("cmyk-jpeg", TestPictures.WithSegment(HandMadeJpeg.Encode([255, 40, 40, 255]), 0xEE, Adobe), null, null),
            ("animated-png", TestPictures.WithChunk(gray, "acTL", [0, 0, 0, 2, 0, 0, 0, 0]), null, ErrorCodes.UnsupportedFormat),
            ("animated-webp", AnimatedWebP(), null, ErrorCodes.UnsupportedFormat),
            ("still-webp", Encode(".webp", MatType.CV_8UC3), null, null),
            ("no-face", Encode(".bmp", MatType.CV_8UC3), null, null),
            ("wrong-header", gray, new() { [RequestHeaders.Faces] = "some" }, ErrorCodes.InvalidHeader),
            ("foreign-headers", gray, new() { ["x-other"] = 7, ["x-fer-future"] = "yes" }, null),
            ("aligned", gray, new() { [RequestHeaders.Aligned] = "true", [RequestHeaders.Include] = "crop,attention" }, null),
            ("good-after", jpeg, null, null),
        };

        foreach (var c in cases)
        {
            await PublishAsync(c.Id, c.Body, c.Headers);
        }

        var results = await ResultsAsync(cases.Length);

        Assert.Equal(cases.Length, results.Count);
        Assert.All(cases, c => Assert.Equal(c.Code, results[c.Id].Error?.Code));
        Assert.All(
            ["animated-png", "animated-webp"],
            id => Assert.Contains("is animated", results[id].Error!.Message, StringComparison.Ordinal));
        Assert.Equal(8, results["cmyk-jpeg"].Image!.Width);
        Assert.Empty(results["no-face"].Faces);
        var aligned = Assert.Single(results["aligned"].Faces);
        Assert.Equal(1, aligned.Emotions.Sum(e => e.Probability), 1e-3);
        Assert.Equal(36, aligned.Attention!.Values.Count);
        Assert.Equal((byte)0x89, aligned.CropPng![0]);
        await AssertNothingIsLeftAsync();
    }

    [SkippableFact]
    public async Task A_message_without_an_id_gets_one_and_identical_images_get_different_ones()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var image = Encode(".png", MatType.CV_8UC3);
        for (var i = 0; i < 5; i++)
        {
            await _client!.PublishAsync(Images, image);
        }

        Assert.Equal(5, (await ResultsAsync(5)).Count);
        await AssertNothingIsLeftAsync();
    }

    [SkippableFact]
    public async Task A_thousand_images_give_a_thousand_results_with_distinct_ids()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var image = Encode(".png", MatType.CV_8UC3, side: 48);
        for (var i = 0; i < 1000; i++)
        {
            await PublishAsync($"m-{i}", image, new() { [RequestHeaders.Aligned] = "true" });
        }

        var results = await ResultsAsync(1000);

        Assert.Equal(1000, results.Count);
        Assert.All(results.Values, r => Assert.Single(r.Faces));
        await AssertNothingIsLeftAsync();
    }

    [SkippableFact]
    public async Task A_photo_of_twenty_faces_gives_twenty_and_the_largest_alone_where_asked()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var path = Path.Combine(Surroundings.Shared("photos"), "ivan.jpg");
        Skip.IfNot(File.Exists(path), "The shared photos are not here.");
        using var photo = Cv2.ImRead(path);
        using var head = new Mat(photo, new Rect(247, 60, 110, 130)).Clone();
        using var row = new Mat();
        using var sheet = new Mat();
        Cv2.HConcat([head, head, head, head, head], row);
        Cv2.VConcat([row, row, row, row], sheet);
        var body = sheet.ImEncode(".png");

        await PublishAsync("all", body, null);
        await PublishAsync("largest", body, new() { [RequestHeaders.Faces] = "largest" });
        var results = await ResultsAsync(2);

        Assert.Equal(20, results["all"].Faces.Count);
        Assert.Single(results["largest"].Faces);
    }

    private Task PublishAsync(string id, byte[] body, Dictionary<string, object?>? headers) => _client!.PublishAsync(Images, body, p =>
    {
        p.MessageId = id;
        p.Headers = headers;
    });

    private async Task<Dictionary<string, ClassificationResult>> ResultsAsync(int count) =>
        (await _client!.TakeAsync(Results, count)).Select(m => ResultJson.Deserialize(m.Body)).ToDictionary(r => r.MessageId);

    private async Task AssertNothingIsLeftAsync()
    {
        Assert.Equal(0u, await _client!.Channel.MessageCountAsync(Results));
        Assert.Equal(0u, await _client.Channel.MessageCountAsync(Dead));
    }

    // The node declares its queues once it is connected, and consumes last. That a queue can be named is not enough: the broker knows a
    // quorum queue a moment before it is up, and until then refuses what is published to it.
    private async Task WaitForConsumerAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            await using var probe = await PublisherClient.ConnectAsync(broker.Uri!);
            try
            {
                while (await probe.Channel.ConsumerCountAsync(Images, patience.Token) == 0)
                {
                }

                return;
            }
            catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
            {
                patience.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private static byte[] Encode(string format, MatType type, int side = 120)
    {
        using var picture = new Mat(side, side, type, Scalar.All(type == MatType.CV_16UC3 ? 30_000 : 120));
        Cv2.Circle(picture, new Point(side / 2, side / 2), side / 4, Scalar.All(200), -1);
        return picture.ImEncode(format);
    }

    // Two frames are announced and one is there.
    private static byte[] AnimatedWebP() => TestPictures.Riff(
    [
        .. "WEBP"u8, .. TestPictures.RiffChunk("VP8X", [0x02, 0, 0, 0, 9, 0, 0, 9, 0, 0]), .. TestPictures.RiffChunk("ANMF", new byte[16]),
    ]);

    // Adobe's segment says that four components are inks, stored inverted.
    private static byte[] Adobe => [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0];

    private static byte[] PngHeader(int width, int height)
    {
        var png = new byte[33];
        ((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]).CopyTo(png);
        "IHDR"u8.CopyTo(png.AsSpan(12));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        png[24] = 8;
        png[25] = 2;
        return png;
    }
}
