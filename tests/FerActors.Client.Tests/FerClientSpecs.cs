using System.Diagnostics;
using System.Diagnostics.Metrics;
using FerActors.Client.Tests.Http;
using FerActors.Shared.Protocol;

namespace FerActors.Client.Tests;

/// <summary>What the client does before anything is sent, and what it tells OpenTelemetry.</summary>
public sealed class FerClientSpecs
{
    private static readonly byte[] Image = [1, 2, 3];

    [Fact]
    public async Task An_empty_image_is_refused_before_anything_is_sent()
    {
        await using var client = FerClient.Create("amqp://127.0.0.1:1/");

        Assert.Equal(ErrorCodes.EmptyBody, (await Assert.ThrowsAsync<FerImageException>(() => client.ClassifyAsync(Array.Empty<byte>()))).Code);
    }

    [Fact]
    public async Task An_image_over_the_limit_is_refused_and_a_stream_is_read_no_further()
    {
        await using var client = FerClient.Create("amqp://127.0.0.1:1/", options => options.MaxImageBytes = 100_000);
        using var stream = new MemoryStream(new byte[10_000_000]);

        var ofBytes = await Assert.ThrowsAsync<FerImageException>(() => client.ClassifyAsync(new byte[100_001]));
        var ofStream = await Assert.ThrowsAsync<FerImageException>(() => client.ClassifyAsync(stream));

        Assert.Equal([ErrorCodes.TooLarge, ErrorCodes.TooLarge], [ofBytes.Code, ofStream.Code]);
        Assert.InRange(stream.Position, 100_001, 200_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\uFFFD")]
    [InlineData("\uD800")]
    [InlineData(null)]
    public async Task An_id_that_a_result_could_not_carry_back_is_refused(string? id)
    {
        await using var client = FerClient.Create("amqp://127.0.0.1:1/");

        await Assert.ThrowsAsync<ArgumentException>(
            () => client.ClassifyAsync(Image, new ClassifyOptions { MessageId = id ?? new string('ä', 128) }));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(86_400_001)]
    public async Task A_timeout_beyond_what_the_contract_takes_is_refused(int milliseconds)
    {
        await using var client = FerClient.Create("amqp://127.0.0.1:1/");

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => client.ClassifyAsync(Image, new ClassifyOptions { Timeout = TimeSpan.FromMilliseconds(milliseconds) }));
    }

    [Fact]
    public async Task Nothing_is_sent_for_a_caller_who_has_given_up_already()
    {
        using var api = new ScriptedApi();
        await using var client = Client(api);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ClassifyAsync(Image, cancellationToken: new CancellationToken(true)));

        Assert.Empty(api.Heard);
    }

    [Fact]
    public async Task Each_request_is_a_span_and_a_duration_with_the_code_of_its_error()
    {
        using var api = new ScriptedApi();
        await using var client = Client(api);
        var spans = new List<Activity>();
        var durations = new List<string?>();
        using var tracing = new ActivityListener
        {
            ShouldListenTo = source => source.Name == FerClient.TelemetryName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(tracing);
        using var metrics = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "fer.client.request.duration")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        metrics.SetMeasurementEventCallback<double>((_, _, tags, _) => durations.Add(tags.ToArray().SingleOrDefault(tag => tag.Key == "error.type").Value as string));
        metrics.Start();
        using var caller = new Activity("caller").Start();
        api.Say(200, ResultJson.Serialize(new ClassificationResult { MessageId = "m-1", Node = "n" }));
        api.Say(422, "{\"code\": \"corrupt_image\", \"detail\": \"A sentence.\"}"u8.ToArray());

        await client.ClassifyAsync(Image);
        await Assert.ThrowsAsync<FerImageException>(() => client.ClassifyAsync(Image));

        // Specs that run beside this one have traces of their own.
        var own = spans.Where(span => span.TraceId == caller.TraceId).ToList();
        Assert.Equal(["classify https://example.org/v1/classify", "classify https://example.org/v1/classify"], own.Select(span => span.DisplayName));
        Assert.Equal([null, "corrupt_image"], own.Select(span => span.GetTagItem("error.type")));
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Error], own.Select(span => span.Status));
        Assert.Contains(null, durations);
        Assert.Contains("corrupt_image", durations);
    }

    private static FerClient Client(ScriptedApi api) => FerClient.Create(
        new FerClientOptions { Address = "https://example.org" }, () => new HttpClient(api, disposeHandler: false), TimeProvider.System, logging: null);
}
