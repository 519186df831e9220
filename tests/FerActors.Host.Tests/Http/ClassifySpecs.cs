using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>Uploads through a real web server and a real broker to a pipeline on the other side of the queue.</summary>
public sealed class ClassifySpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const int SmallLimit = 64 * 1024;

    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task A_picture_is_answered_with_the_result_that_a_node_gave()
    {
        await using var api = await StartAllAsync();

        var response = await api.PostAsync(Picture, "/v1/classify?faces=largest&include=crop", type: "image/png");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        var result = ResultJson.Deserialize(await response.Content.ReadAsByteArrayAsync());
        var image = await NextImageAsync();
        Assert.Equal(image.MessageId, result.MessageId);
        Assert.Equal(FakePipeline.Version, result.Model!.Version);
        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(new RequestOptions(FaceSelection.Largest, IncludeParts.Crop, Aligned: false), image.Request);
        Assert.NotNull(image.ExpiresAt);
    }

    [SkippableFact]
    public async Task A_form_may_carry_the_picture_and_its_parameters()
    {
        await using var api = await StartAllAsync();
        var form = ApiUnderTest.Form(("image", "face.png", Picture));
        form.Add(new StringContent("largest"), "faces");

        var response = await api.SendAsync(HttpMethod.Post, "/v1/classify?faces=all", content: form);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var image = await NextImageAsync();
        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(FaceSelection.Largest, image.Request.Faces);
    }

    [SkippableFact]
    public async Task Fifty_uploads_at_once_each_get_the_result_of_their_own_picture()
    {
        await using var api = await StartAllAsync();

        var ids = await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            var response = await api.PostAsync(Surroundings.Picture(".png", 40 + i));
            return ResultJson.Deserialize(await response.Content.ReadAsByteArrayAsync()).MessageId;
        }));

        Assert.Equal(50, ids.Distinct().Count());
        Assert.Equal(0, (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).InFlight);
    }

    [SkippableFact]
    public async Task File_names_with_paths_mean_nothing()
    {
        await using var api = await StartAllAsync();
        var form = new MultipartContent("form-data", "----limit");
        var part = new ByteArrayContent(Picture);
        part.Headers.TryAddWithoutValidation("Content-Disposition", "form-data; name=\"image\"; filename=\"../../../../tmp/fer-evil.png\"");
        form.Add(part);

        var response = await api.SendAsync(HttpMethod.Post, "/v1/classify", content: form);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Picture, (await NextImageAsync()).Body.ToArray());
        Assert.False(File.Exists("/tmp/fer-evil.png"));
    }

    [SkippableFact]
    public async Task Bad_uploads_are_refused_with_the_codes_of_the_queue_and_reach_no_node()
    {
        await using var api = await StartAllAsync(images: new ImageLimitsOptions { MaxBytes = SmallLimit });
        var jpeg = Surroundings.Picture(".jpg");

        await RefusedAsync(400, ErrorCodes.EmptyBody, []);
        await RefusedAsync(415, ErrorCodes.UnsupportedFormat, "I am not a picture."u8.ToArray());
        await RefusedAsync(415, ErrorCodes.UnsupportedFormat, "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray());
        await RefusedAsync(413, ErrorCodes.TooLarge, HostilePictures.Bomb());
        await RefusedAsync(413, ErrorCodes.TooLarge, new byte[SmallLimit + 1]);
        await RefusedAsync(422, ErrorCodes.CorruptImage, jpeg[..(jpeg.Length / 2)]);
        await RefusedAsync(400, ErrorCodes.InvalidHeader, Picture, "/v1/classify?faces=some");
        await RefusedAsync(400, ErrorCodes.InvalidHeader, Picture, "/v1/classify?include=everything");
        await RefusedAsync(400, ErrorCodes.InvalidHeader, Picture, "/v1/classify?aligned=perhaps");
        await RefusedAsync(400, ErrorCodes.InvalidHeader, Picture, "/v1/classify?explain=gradient:bored");
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);

        async Task RefusedAsync(int status, string code, byte[] body, string path = "/v1/classify") =>
            await ApiUnderTest.AssertProblemAsync(status, code, await api.PostAsync(body, path));
    }

    [SkippableFact]
    public async Task Bad_forms_are_refused_and_reach_no_node()
    {
        await using var api = await StartAllAsync(images: new ImageLimitsOptions { MaxBytes = SmallLimit });
        var unknown = ApiUnderTest.Form(("image", "a.png", Picture));
        unknown.Add(new StringContent("x"), "fases");
        var bytes = Encoding.ASCII.GetBytes("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nabc");

        await RefusedAsync(400, ApiCodes.InvalidRequest, new MultipartFormDataContent());
        await RefusedAsync(400, ApiCodes.InvalidRequest, ApiUnderTest.Form(("image", "a.png", Picture), ("image", "b.png", Picture)));
        await RefusedAsync(400, ApiCodes.InvalidRequest, unknown);
        await RefusedAsync(400, ApiCodes.InvalidRequest, Raw(bytes, "multipart/form-data; boundary=b"));
        await RefusedAsync(400, ApiCodes.InvalidRequest, Raw(bytes, "multipart/form-data"));
        await RefusedAsync(413, ErrorCodes.TooLarge, ApiUnderTest.Form(("image", "a.png", new byte[SmallLimit + 1])));
        await RefusedAsync(413, ErrorCodes.TooLarge, ApiUnderTest.Form(("image", "a.png", HostilePictures.Bomb())));
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);

        async Task RefusedAsync(int status, string code, HttpContent form) =>
            await ApiUnderTest.AssertProblemAsync(status, code, await api.SendAsync(HttpMethod.Post, "/v1/classify", content: form));

        static ByteArrayContent Raw(byte[] body, string type)
        {
            var content = new ByteArrayContent(body);
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            return content;
        }
    }

    [SkippableFact]
    public async Task A_body_that_announces_more_than_the_limit_is_refused_before_it_is_sent()
    {
        await using var api = await StartAllAsync(images: new ImageLimitsOptions { MaxBytes = SmallLimit });

        var answer = await RawAsync(api, "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"too_large\"", answer, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_body_that_trickles_in_is_given_up()
    {
        await using var api = await StartAllAsync(new ApiOptions { BodyTimeout = TimeSpan.FromMilliseconds(300) });

        var answer = await RawAsync(api, "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nonly this");

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"slow_body\"", answer, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_error_that_a_node_answers_with_becomes_a_problem_with_the_same_code()
    {
        await using var api = await StartAllAsync(answers: false);
        foreach (var (code, status) in new[] { (ErrorCodes.ModelFailure, 500), (ErrorCodes.Overloaded, 503), (ErrorCodes.Expired, 504), (ErrorCodes.CorruptImage, 422) })
        {
            var waiting = api.PostAsync(Picture);
            var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
            Pipeline.LastSender.Tell(new ImageOutcome(image.Key, ClassificationResult.Failed(image.MessageId, image.CorrelationId, "n", code, "A sentence.")));

            var problem = await ApiUnderTest.AssertProblemAsync(status, code, await waiting);
            Assert.Equal(image.MessageId, problem.GetProperty("message_id").GetString());
        }
    }

    [SkippableFact]
    public async Task Without_a_broker_the_answer_is_503_at_once()
    {
        RequireBroker();
        Options.Uri = $"amqp://127.0.0.1:{ClosedPort()}/";
        await using var api = await ApiUnderTest.StartAsync(Sys, Options);

        var response = await api.PostAsync(Picture);

        await ApiUnderTest.AssertProblemAsync(503, ApiCodes.BrokerUnavailable, response);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [SkippableFact]
    public async Task Without_a_queue_the_answer_is_503()
    {
        await using var api = await StartApiAsync();

        await ApiUnderTest.AssertProblemAsync(503, ApiCodes.BrokerUnavailable, await api.PostAsync(Picture));
    }

    [SkippableFact]
    public async Task Without_a_consumer_the_answer_is_504_and_the_picture_leaves_the_queue()
    {
        await using var api = await StartApiAsync(new ApiOptions { RequestTimeout = TimeSpan.FromMilliseconds(300) });
        await RabbitTopology.DeclareAsync(Client.Channel, Options);

        await ApiUnderTest.AssertProblemAsync(504, ApiCodes.Timeout, await api.PostAsync(Picture));

        Assert.Equal(Picture, (await Client.NextAsync(Options.DeadLetterQueue)).Body);
        Assert.Equal(0u, await Client.Channel.MessageCountAsync(Options.ImagesQueue));
    }

    [SkippableFact]
    public async Task When_the_connection_is_lost_who_waits_is_told_at_once_and_the_next_upload_works()
    {
        RequireBroker(isPrivate: true);

        // On a busy machine the broker's own command takes longer than a request waits by default.
        await using var api = await StartAllAsync(new ApiOptions { RequestTimeout = TimeSpan.FromMinutes(5) }, answers: false);
        var waiting = api.PostAsync(Picture);
        var lost = await NextImageAsync();

        await Broker.ControlAsync("close_all_connections", "a test");

        await ApiUnderTest.AssertProblemAsync(503, ApiCodes.BrokerUnavailable, await waiting);
        await ReconnectClientAsync();
        await ConnectedAsync(api);
        await ConsumingAsync();

        // Its redelivery waits for the first answer, whose reply queue is gone, or comes after that answer; then the next one's turn comes.
        Answer(lost);
        var next = api.PostAsync(Picture);
        var image = await NextImageAsync();
        if (image.MessageId == lost.MessageId)
        {
            Answer(image);
            image = await NextImageAsync();
        }

        Answer(image);
        Assert.Equal(HttpStatusCode.OK, (await next).StatusCode);
        Assert.Equal(Picture, (await Client.NextAsync(Options.DeadLetterQueue)).Body);
    }

    [SkippableFact]
    public async Task Beyond_the_requests_that_may_be_held_or_wait_the_answer_is_503()
    {
        await using var api = await StartAllAsync(new ApiOptions { MaxConcurrentRequests = 1, MaxQueuedPerCaller = 0 }, answers: false);
        var first = api.PostAsync(Picture);
        var image = await NextImageAsync();

        await ApiUnderTest.AssertProblemAsync(503, ErrorCodes.Overloaded, await api.PostAsync(Picture));

        Answer(image);
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    [SkippableFact]
    public async Task A_request_beyond_its_callers_share_waits_for_its_turn()
    {
        await using var api = await StartAllAsync(new ApiOptions { MaxConcurrentRequests = 1, QueueTimeout = TimeSpan.FromMinutes(5) }, answers: false);
        var first = api.PostAsync(Picture);
        var image = await NextImageAsync();
        var second = api.PostAsync(Picture);

        Answer(image);
        Answer(await NextImageAsync());

        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await second).StatusCode);
    }

    [SkippableTheory]
    [InlineData("/v1/classify?face=largest", "the nearest known one is faces")]
    [InlineData("/v1/classify?faces=all&x=1", "must be one of faces, include, aligned, explain")]
    [InlineData("/v1/batches?alined=true", "the nearest known one is aligned")]
    [InlineData("/v1/batches/x?faces=all", "takes none")]
    [InlineData("/v1/feedback?source=me", "takes none")]
    public async Task A_query_parameter_that_is_not_known_is_refused(string path, string sentence)
    {
        await using var api = await StartAllAsync();

        var problem = await ApiUnderTest.AssertProblemAsync(
            400, ApiCodes.InvalidRequest,
            await api.SendAsync(path.StartsWith("/v1/batches/", StringComparison.Ordinal) ? HttpMethod.Get : HttpMethod.Post, path, content: new ByteArrayContent(Picture)));

        Assert.Contains(sentence, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [SkippableTheory]
    [InlineData("form-data; name=\"image\"", null)]
    [InlineData("form-data; name=image", "image/png")]
    [InlineData("form-data; name=\"photo\"", "image/png")]
    [InlineData("form-data; name=\"photo\"", "application/octet-stream")]
    public async Task A_files_name_is_optional(string disposition, string? type)
    {
        await using var api = await StartAllAsync();
        var form = new MultipartContent("form-data", "limit");
        var part = new ByteArrayContent(Picture);
        part.Headers.TryAddWithoutValidation("Content-Disposition", disposition);
        part.Headers.TryAddWithoutValidation("Content-Type", type);
        form.Add(part);

        var response = await api.SendAsync(HttpMethod.Post, "/v1/classify", content: form);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Picture, (await NextImageAsync()).Body.ToArray());
    }

    [SkippableFact]
    public async Task A_field_that_is_not_known_is_named_with_the_nearest_that_is()
    {
        await using var api = await StartAllAsync();
        var form = ApiUnderTest.Form(("image", "a.png", Picture));
        form.Add(new StringContent("x"), "fases");

        var problem = await ApiUnderTest.AssertProblemAsync(400, ApiCodes.InvalidRequest, await api.SendAsync(HttpMethod.Post, "/v1/classify", content: form));

        Assert.Contains("'fases' is not known; the nearest known one is faces.", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null, bool answers = true, ImageLimitsOptions? images = null)
    {
        await StartAsync(answers);
        return await StartApiAsync(options, images);
    }

    private async Task<ApiUnderTest> StartApiAsync(ApiOptions? options = null, ImageLimitsOptions? images = null)
    {
        RequireBroker();
        var api = await ApiUnderTest.StartAsync(Sys, Options, options, images);
        await ConnectedAsync(api);
        return api;
    }

    private Task ConnectedAsync(ApiUnderTest api) =>
        UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);

    // As only a client without manners sends it.
    private static async Task<string> RawAsync(ApiUnderTest api, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Address.Host, api.Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        using var bound = new CancellationTokenSource(Patience);
        return await reader.ReadToEndAsync(bound.Token);
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
