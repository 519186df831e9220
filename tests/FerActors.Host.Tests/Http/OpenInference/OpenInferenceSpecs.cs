using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using OpenCvSharp;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http.OpenInference;

/// <summary>What a client of Triton or KServe sends, and what it reads back.</summary>
public sealed class OpenInferenceSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string Infer = "/v2/models/fer/infer";

    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task Encoded_images_become_rows_of_probabilities()
    {
        await using var api = await StartAllAsync();
        var waiting = api.Client.PostAsJsonAsync(new Uri(Infer, UriKind.Relative), new
        {
            id = "mine",
            parameters = new { faces = "largest" },
            inputs = new[] { new { name = "image", datatype = "BYTES", shape = new[] { 2 }, data = new[] { Picture, Picture } } },
        });

        await AnswerAsync(faces: 2);
        await AnswerAsync(faces: 1);

        var answer = await waiting;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var json = await ApiUnderTest.JsonAsync(answer);
        Assert.Equal("mine", json.GetProperty("id").GetString());
        Assert.Equal("fer", json.GetProperty("model_name").GetString());
        Assert.Equal(FakePipeline.Version, json.GetProperty("model_version").GetString());
        var outputs = json.GetProperty("outputs").EnumerateArray().ToDictionary(o => o.GetProperty("name").GetString()!);
        Assert.Equal([3, 7], Shape(outputs["probabilities"]));
        Assert.Equal(21, outputs["probabilities"].GetProperty("data").GetArrayLength());
        Assert.Equal(3, outputs["label"].GetProperty("data")[0].GetInt32());
        Assert.Equal("Happy", outputs["name"].GetProperty("data")[2].GetString());
        Assert.Equal([3, 4], Shape(outputs["box"]));
        var owners = outputs["image"].GetProperty("data").EnumerateArray().Select(owner => owner.GetInt32()).ToList();
        Assert.Equal(3, owners.Count);
        Assert.Equal([0, 1], owners.Distinct().Order());
    }

    [SkippableFact]
    public async Task Pixels_reach_the_node_as_they_were()
    {
        await using var api = await StartAllAsync();
        byte[] pixels = [250, 0, 0, 0, 240, 0, 0, 0, 230, 10, 20, 30, 40, 50, 60, 70, 80, 90];
        var waiting = api.Client.PostAsJsonAsync(new Uri(Infer, UriKind.Relative), new
        {
            inputs = new[] { new { name = "image", datatype = "UINT8", shape = new[] { 2, 3, 3 }, data = pixels.Select(p => (int)p).ToArray() } },
        });

        var image = await AnswerAsync(faces: 1);

        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
        using var decoded = Cv2.ImDecode(image.Body.ToArray(), ImreadModes.Color);
        using var rgb = decoded.CvtColor(ColorConversionCodes.BGR2RGB);
        Assert.Equal((2, 3), (rgb.Rows, rgb.Cols));
        Assert.True(rgb.GetArray(out Vec3b[] seen));
        Assert.Equal(pixels, seen.SelectMany(p => new[] { p.Item0, p.Item1, p.Item2 }));
    }

    [SkippableTheory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("identity")]
    public async Task A_compressed_body_is_understood(string encoding)
    {
        await using var api = await StartAllAsync();
        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: Compressed(encoding, Request(Picture)));

        var image = await AnswerAsync(faces: 1);

        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    [SkippableFact]
    public async Task A_body_that_unfolds_beyond_the_limit_is_refused()
    {
        await using var api = await StartAllAsync(new ApiOptions { RatePerSecond = 0, MaxBatchBytes = 100_000 });

        var bomb = await api.SendAsync(HttpMethod.Post, Infer, content: Compressed("gzip", new byte[50_000_000]));
        var photo = await api.SendAsync(HttpMethod.Post, "/v1/classify", content: Compressed("br", new byte[50_000_000]));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, bomb.StatusCode);
        await ApiUnderTest.AssertProblemAsync(413, ErrorCodes.TooLarge, photo);
    }

    [SkippableTheory]
    [InlineData("gzip", 400, "damaged")]
    [InlineData("zstd", 415, "gzip, deflate, br")]
    [InlineData("gzip, gzip", 415, "gzip, deflate, br")]
    public async Task A_body_that_is_not_compressed_as_it_says_gets_a_sentence(string encoding, int status, string sentence)
    {
        await using var api = await StartAllAsync();
        foreach (var path in new[] { Infer, "/v1/classify", "/v1/feedback" })
        {
            var content = new ByteArrayContent(Request(Picture));
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

            var answer = await api.SendAsync(HttpMethod.Post, path, content: content);

            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Contains(sentence, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task The_version_that_the_metadata_name_can_be_asked_and_no_other()
    {
        await using var api = await StartAllAsync();
        var first = InferAsync("/v2/models/fer/versions/1/infer");
        await AnswerAsync(faces: 1);
        Assert.Equal(HttpStatusCode.NotFound, (await first).StatusCode);
        var version = (await ApiUnderTest.JsonAsync(await api.SendAsync(HttpMethod.Get, "/v2/models/fer"))).GetProperty("versions")[0].GetString();
        Assert.Equal(FakePipeline.Version, version);

        var second = InferAsync($"/v2/models/fer/versions/{version}/infer");
        await AnswerAsync(faces: 1);

        Assert.Equal(version, (await ApiUnderTest.JsonAsync(await second)).GetProperty("model_version").GetString());
        foreach (var path in new[] { "", "/ready" })
        {
            Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, $"/v2/models/fer/versions/{version}{path}")).StatusCode);
            var other = await api.SendAsync(HttpMethod.Get, $"/v2/models/fer/versions/1{path}");
            Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
            Assert.Contains($"{version} does", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Task<HttpResponseMessage> InferAsync(string path) => api.SendAsync(HttpMethod.Post, path, content: new ByteArrayContent(Request(Picture)));
    }

    [SkippableFact]
    public async Task Health_and_metadata_are_the_protocols()
    {
        var (key, line) = ApiKeyLine.Create("anna");
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [line.ToString()] });

        Assert.True((await GetAsync("/v2/health/live")).GetProperty("live").GetBoolean());
        Assert.True((await GetAsync("/v2/health/ready")).GetProperty("ready").GetBoolean());
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Get, "/v2/models/fer")).StatusCode);
        var model = await GetAsync("/v2/models/fer", key);
        Assert.Equal("fer", model.GetProperty("name").GetString());
        Assert.Equal("image", model.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal("FP32", model.GetProperty("outputs")[0].GetProperty("datatype").GetString());
        Assert.True((await GetAsync("/v2/models/fer/ready", key)).GetProperty("ready").GetBoolean());
        Assert.Contains("classification", (await GetAsync("/v2", key)).GetProperty("extensions").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(HttpStatusCode.NotFound, (await api.SendAsync(HttpMethod.Get, "/v2/models/other", key)).StatusCode);

        async Task<JsonElement> GetAsync(string path, string? with = null) => await ApiUnderTest.JsonAsync(await api.SendAsync(HttpMethod.Get, path, with));
    }

    [SkippableFact]
    public async Task Without_a_broker_the_server_lives_and_is_not_ready()
    {
        RequireBroker();
        Options.Uri = "amqp://127.0.0.1:1/";
        await using var api = await ApiUnderTest.StartAsync(Sys, Options);

        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, "/v2/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.SendAsync(HttpMethod.Get, "/v2/health/ready")).StatusCode);
    }

    [SkippableFact]
    public async Task A_bad_image_fails_the_request_with_its_number()
    {
        await using var api = await StartAllAsync();

        var answer = await api.Client.PostAsJsonAsync(new Uri(Infer, UriKind.Relative), new
        {
            inputs = new[] { new { name = "image", datatype = "BYTES", shape = new[] { 1 }, data = new[] { HostilePictures.Bomb() } } },
        });

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.StartsWith("too_large: Image 0: ", (await ApiUnderTest.JsonAsync(answer)).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("no json")]
    [InlineData("""{"inputs":[]}""")]
    [InlineData("""{"inputs":[{"name":"other","datatype":"BYTES","shape":[1],"data":["AA=="]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"FP32","shape":[1],"data":[1]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"BYTES","shape":[2],"data":["AA=="]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["not base64!"]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"BYTES","shape":[9],"data":[]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[2,2],"data":[1,2,3]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[2,2],"data":[1,2,3,4,5]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[2,2],"data":[1,2,3,256]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[2,2,2],"data":[1,2,3,4,5,6,7,8]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[0,2],"data":[]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"UINT8","shape":[-1,-1],"data":[1]}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}}]}""")]
    [InlineData("""{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AA=="]}],"outputs":[{"name":"other"}]}""")]
    public void Requests_that_are_not_the_protocols_are_refused(string body)
    {
        var refused = Assert.Throws<ApiException>(() => new InferenceRequestReader(1000, 8).Read(Encoding.UTF8.GetBytes(body), null));

        Assert.Equal(ApiCodes.InvalidRequest, refused.Code);
    }

    [Theory]
    [InlineData("[1000000,1000000]")]
    [InlineData("[2000000000,1,1]")]
    [InlineData("[1,2000000000,3]")]
    [InlineData("[8,100,100,3]")]
    public void Tensors_over_the_limit_are_refused_before_they_are_read(string shape)
    {
        var body = $$"""{"inputs":[{"name":"image","datatype":"UINT8","shape":{{shape}},"data":[1]}]}""";

        var refused = Assert.Throws<ApiException>(() => new InferenceRequestReader(10_000, 8).Read(Encoding.UTF8.GetBytes(body), null));

        Assert.Equal(ErrorCodes.TooLarge, refused.Code);
    }

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null)
    {
        await StartAsync(answers: false);
        var api = await ApiUnderTest.StartAsync(Sys, Options, options);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    private static byte[] Request(byte[] picture) => JsonSerializer.SerializeToUtf8Bytes(
        new { inputs = new[] { new { name = "image", datatype = "BYTES", shape = new[] { 1 }, data = new[] { picture } } } });

    private static ByteArrayContent Compressed(string encoding, byte[] body)
    {
        using var bytes = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            _ => bytes,
        })
        {
            stream.Write(body);
        }

        var content = new ByteArrayContent(bytes.ToArray());
        content.Headers.ContentEncoding.Add(encoding);
        return content;
    }

    private static IEnumerable<int> Shape(JsonElement tensor) => tensor.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32());

    // As the pipeline would answer a picture with so many happy faces.
    private async Task<ClassifyImage> AnswerAsync(int faces)
    {
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        var asker = Pipeline.LastSender;
        var emotions = ExpressionNames.All
            .Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 0.7 : 0.05))
            .ToList();
        var face = new FaceResult(new FaceBox(1, 2, 3, 4), null, 0, 0.9, Expression.Happy, "Happy", 0.7, emotions);
        asker.Tell(FakePipeline.Answer(image) with
        {
            Result = FakePipeline.Answer(image).Result with { Faces = [.. Enumerable.Repeat(face, faces)] },
        });
        return image;
    }
}
