using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Feedback;
using FerActors.Host.Http.Requests;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.Http;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Feedback;

/// <summary>Feedback through a real web server and a real broker onto the disk.</summary>
public sealed class FeedbackSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private static readonly byte[] Picture = Surroundings.Picture(".png");

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-feedback-").FullName;

    [SkippableFact]
    public async Task A_correction_of_an_uploaded_picture_is_stored_with_what_was_predicted_and_by_which_version()
    {
        var intake = await TakeFeedbackAsync();
        await StartAsync(answers: false);
        await using var api = await StartApiAsync();
        var id = await UploadAsync(api);

        var response = await api.SendAsync(HttpMethod.Post, "/v1/feedback", content: Json($$"""{"message_id":"{{id}}","face":0,"label":"Sad"}"""));

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        await UntilAsync(async () => (await StatusAsync(intake)).Stored == 1);
        var stored = new FeedbackStore(_folder).ReadLatest(10).Single();
        Assert.Equal(new FaceFeedback(id, 0, Expression.Sad, Expression.Happy, FakePipeline.Version, "api"), stored.Feedback);
        Assert.Equal(new ProductionAccuracy(FakePipeline.Version, 1, 0), (await StatusAsync(intake)).Versions.Single());
        Assert.DoesNotContain(Directory.GetFiles(_folder), path => new FileInfo(path).Length > 500);
    }

    [SkippableFact]
    public async Task Feedback_on_a_result_that_the_node_does_not_know_needs_what_the_result_said()
    {
        var intake = await TakeFeedbackAsync();
        await StartAsync(answers: false);
        await using var api = await StartApiAsync();

        await RefusedAsync(404, ApiCodes.UnknownResult, """{"message_id":"other","face":0,"label":"Sad"}""");
        var response = await api.SendAsync(
            HttpMethod.Post, "/v1/feedback", content: Json("""{"message_id":"other","face":0,"label":"Sad","predicted":"Sad","model_version":"7","source":"bo"}"""));

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        await UntilAsync(async () => (await StatusAsync(intake)).Stored == 1);
        Assert.Equal(new ProductionAccuracy("7", 1, 1), (await StatusAsync(intake)).Versions.Single());

        async Task RefusedAsync(int status, string code, string json) =>
            await ApiUnderTest.AssertProblemAsync(status, code, await api.SendAsync(HttpMethod.Post, "/v1/feedback", content: Json(json)));
    }

    [SkippableFact]
    public async Task Bad_feedback_over_http_is_refused_and_reaches_no_queue()
    {
        var intake = await TakeFeedbackAsync();
        await StartAsync(answers: false);
        await using var api = await StartApiAsync();
        var id = await UploadAsync(api);

        await RefusedAsync(400, ApiCodes.InvalidRequest, "no json");
        await RefusedAsync(400, ApiCodes.InvalidRequest, $$"""{"message_id":"{{id}}","face":1,"label":"Sad"}""");
        await RefusedAsync(400, ApiCodes.InvalidRequest, $$"""{"message_id":"{{id}}","face":0,"label":"Bored"}""");
        await RefusedAsync(400, ApiCodes.InvalidRequest, $$"""{"message_id":"{{id}}","face":0,"label":"Sad","predicted":"Fear"}""");
        await RefusedAsync(400, ApiCodes.InvalidRequest, $$"""{"message_id":"{{id}}","face":0,"label":"Sad","model_version":"other"}""");
        await RefusedAsync(413, ErrorCodes.TooLarge, new string(' ', FeedbackFields.MaxBytes + 1));
        Assert.Equal((0, 0), ((await StatusAsync(intake)).Stored, (await StatusAsync(intake)).DeadLettered));

        async Task RefusedAsync(int status, string code, string json) =>
            await ApiUnderTest.AssertProblemAsync(status, code, await api.SendAsync(HttpMethod.Post, "/v1/feedback", content: Json(json)));
    }

    [SkippableFact]
    public async Task Where_no_node_takes_feedback_the_api_says_so()
    {
        await StartAsync(answers: false);
        await using var api = await StartApiAsync();

        await ApiUnderTest.AssertProblemAsync(503, ApiCodes.BrokerUnavailable, await api.SendAsync(
            HttpMethod.Post, "/v1/feedback", content: Json("""{"message_id":"a","face":0,"label":"Sad","predicted":"Sad","model_version":"7"}""")));
    }

    [SkippableFact]
    public async Task Every_message_is_stored_or_dead_lettered_with_its_reason()
    {
        var intake = await TakeFeedbackAsync();
        byte[][] bad =
        [
            [],
            [0xFF, 0xFE, 0x00],
            "no json"u8.ToArray(),
            """{"message_id":"a","face":0,"label":"Sad"}"""u8.ToArray(),
            """{"message_id":"a","face":-1,"label":"Sad","predicted":"Sad","model_version":"7","source":"x"}"""u8.ToArray(),
            new byte[1024 * 1024],
        ];
        for (var i = 0; i < 40; i++)
        {
            await SendFeedbackAsync(Message($"good-{i}", i % 4 == 0 ? "Sad" : "Happy"));
            if (i < bad.Length)
            {
                await Client.PublishAsync(Options.FeedbackQueue, bad[i]);
            }
        }

        await SendFeedbackAsync(Message("good-0", "Sad"));
        await UntilAsync(async () => await StatusAsync(intake) is { Stored: 41, DeadLettered: 6 });

        var dead = await Client.TakeAsync(Options.FeedbackDeadLetterQueue, bad.Length);
        Assert.All(dead.Zip(bad, (message, body) => (message, body)), pair =>
        {
            Assert.Equal(pair.body[..Math.Min(pair.body.Length, FeedbackFields.MaxBytes)], pair.message.Body);
            Assert.EndsWith(".", Encoding.UTF8.GetString((byte[])pair.message.Properties.Headers![FeedbackActor.ReasonHeader]!), StringComparison.Ordinal);
        });
        Assert.Equal(new ProductionAccuracy("7", 40, 30), (await StatusAsync(intake)).Versions.Single());
        Assert.Equal(40, new FeedbackStore(_folder).ReadLatest(100).Count);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.FeedbackQueue) == 0);
    }

    [SkippableFact]
    public async Task After_a_restart_the_window_is_as_it_was_and_known_messages_are_recognised()
    {
        var intake = await TakeFeedbackAsync();
        await SendFeedbackAsync(Message("a", "Happy"));
        await SendFeedbackAsync(Message("b", "Sad"));
        await UntilAsync(async () => (await StatusAsync(intake)).Stored == 2);
        await intake.GracefulStop(Patience);

        var next = await TakeFeedbackAsync();
        await SendFeedbackAsync(Message("b", "Sad"));
        await UntilAsync(async () => (await StatusAsync(next)).Stored == 1);

        Assert.Equal(new ProductionAccuracy("7", 2, 1), (await StatusAsync(next)).Versions.Single());
        Assert.Equal(2, new FeedbackStore(_folder).ReadLatest(100).Count);
    }

    [SkippableFact]
    public async Task Feedback_waits_in_the_queue_while_the_disk_takes_none()
    {
        RequireBroker();
        Directory.Delete(_folder);
        await File.WriteAllTextAsync(_folder, "a file stands where the folder should be");
        var intake = await TakeFeedbackAsync();
        await SendFeedbackAsync(Message("a", "Happy"));
        await EventFilter.Error(contains: "takes none").ExpectOneAsync(Patience, () => SendFeedbackAsync(Message("b", "Happy")));
        Assert.Equal(0, (await StatusAsync(intake)).Stored);

        File.Delete(_folder);

        await UntilAsync(async () => (await StatusAsync(intake)).Stored == 2);
        Assert.Equal(2, new FeedbackStore(_folder).ReadLatest(100).Count);
    }

    [SkippableFact]
    public async Task Counts_and_the_accuracy_in_production_are_measured_for_each_version()
    {
        var version = Guid.NewGuid().ToString("N");
        var seen = new Dictionary<string, double>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == FerMetrics.MeterName && instrument.Name.StartsWith("fer.feedback", StringComparison.Ordinal))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags, sum: false));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags, sum: false));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags, sum: true));
        listener.Start();
        var intake = await TakeFeedbackAsync();

        await SendFeedbackAsync(Message("a", "Happy", version));
        await SendFeedbackAsync(Message("b", "Sad", version));
        await SendFeedbackAsync(Message("b", "Sad", version));
        await UntilAsync(async () => (await StatusAsync(intake)).Stored == 3);

        await UntilAsync(() => Task.FromResult(Of("fer.feedback.judged") == 2));
        Assert.Equal(0.5, Of("fer.feedback.accuracy"));
        Assert.Equal((1, 1, 1), (Of("fer.feedback right"), Of("fer.feedback wrong"), Of("fer.feedback repeated")));

        double Of(string name)
        {
            lock (seen)
            {
                return seen.GetValueOrDefault(name);
            }
        }

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, bool sum)
        {
            var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            if (all.GetValueOrDefault("fer.model.version") == version)
            {
                var name = all.TryGetValue("fer.outcome", out var outcome) ? $"{instrument.Name} {outcome}" : instrument.Name;
                lock (seen)
                {
                    seen[name] = value + (sum ? seen.GetValueOrDefault(name) : 0);
                }
            }
        }
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }

        File.Delete(_folder);
    }

    [SkippableFact]
    public async Task A_message_that_the_client_library_cannot_read_takes_no_other_with_it_into_the_dead_letter_queue()
    {
        Options.DeliveryLimit = 3;
        Options.ReconnectMinBackoff = TimeSpan.FromMinutes(5);
        Options.ReconnectMaxBackoff = TimeSpan.FromMinutes(5);
        var intake = await TakeFeedbackAsync();
        await RawPublisher.PublishAsync(Broker.Uri!, Options.FeedbackQueue, RawPublisher.Unreadable("poison"), [1]);
        for (var i = 0; i < 40; i++)
        {
            await SendFeedbackAsync(Message($"m-{i}", "Sad"));
        }

        await UntilAsync(async () => (await StatusAsync(intake)).Stored >= 40);
        await UntilAsync(async () => await Client.Channel.MessageCountAsync(Options.FeedbackDeadLetterQueue) == 1);
        Assert.Equal(40, new FeedbackStore(_folder).ReadLatest(100).Select(record => record.Feedback.MessageId).Distinct().Count());
        await UntilAsync(async () => (await StatusAsync(intake)).Standstill is null);
    }

    private async Task<IActorRef> TakeFeedbackAsync()
    {
        RequireBroker();
        var (options, feedback) = (Options, new FeedbackOptions { Folder = _folder });
        var intake = Sys.ActorOf(Props.Create(() => new FeedbackActor(options, feedback, new RabbitConnector(options), TimeProvider.System)));
        await UntilAsync(async () => (await StatusAsync(intake)).Consuming);
        return intake;
    }

    private static Task<FeedbackStatus> StatusAsync(IActorRef intake) => intake.Ask<FeedbackStatus>(GetFeedbackStatus.Instance, Patience);

    private async Task<ApiUnderTest> StartApiAsync()
    {
        var api = await ApiUnderTest.StartAsync(Sys, Options);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    // Uploads a picture that shows one happy face.
    private async Task<string> UploadAsync(ApiUnderTest api)
    {
        var posting = api.PostAsync(Picture);
        var image = await NextImageAsync();
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        return ResultJson.Deserialize(await (await posting).Content.ReadAsByteArrayAsync()).MessageId;
    }

    private Task SendFeedbackAsync(string message) => Client.PublishAsync(Options.FeedbackQueue, Encoding.UTF8.GetBytes(message));

    private static string Message(string id, string label, string version = "7") =>
        $$"""{"message_id":"{{id}}","face":0,"label":"{{label}}","predicted":"Happy","model_version":"{{version}}","source":"spec"}""";

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
