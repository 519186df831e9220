using System.Net;
using System.Text;
using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http.OpenInference;

/// <summary>What Triton's clients send (<see cref="TritonRequests"/>), answered so that they can read it.</summary>
public sealed class TritonClientSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string Infer = "/v2/models/fer/infer";
    private const string Load = "/v2/repository/models/fer/load";
    private const string Unload = "/v2/repository/models/fer/unload";

    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task Without_named_outputs_all_come_as_bytes()
    {
        await using var api = await StartAllAsync();
        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PythonWithoutOutputs(Picture));

        var image = await AnswerAsync();

        Assert.Equal(Picture, image.Body.ToArray());
        var answer = await TritonAnswer.ReadAsync(await waiting);
        Assert.Equal([1, 7], answer.Shape("probabilities"));
        Assert.Equal([0.05f, 0.05f, 0.05f, 0.7f, 0.05f, 0.05f, 0.05f], answer.Floats("probabilities"));
        Assert.Equal([3], answer.Longs("label"));
        Assert.Equal(["Happy"], answer.Texts("name"));
        Assert.Equal([0.7f], answer.Floats("confidence"));
        Assert.Equal([60f, 60f, 80f, 90f], answer.Floats("box"));
        Assert.Equal([0], answer.Longs("image"));
        Assert.All(answer.Json.GetProperty("outputs").EnumerateArray(), tensor => Assert.False(tensor.TryGetProperty("data", out _)));
    }

    [SkippableFact]
    public async Task Each_output_comes_as_it_was_asked_for()
    {
        await using var api = await StartAllAsync();
        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PythonWithOutputs(Picture));

        await AnswerAsync();

        var answer = await TritonAnswer.ReadAsync(await waiting);
        Assert.Equal("7", answer.Json.GetProperty("id").GetString());
        Assert.Equal(["label", "probabilities", "image"], answer.Json.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
        Assert.Equal(3, answer.Output("label").GetProperty("data")[0].GetInt32());
        Assert.Equal("BYTES", answer.Output("probabilities").GetProperty("datatype").GetString());
        Assert.Equal([1, 2], answer.Shape("probabilities"));
        Assert.Equal("0.7:3:Happy", answer.Texts("probabilities")[0]);
        Assert.Equal([0], answer.Longs("image"));
    }

    [SkippableFact]
    public async Task A_picture_without_a_face_gives_empty_tensors()
    {
        await using var api = await StartAllAsync();
        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PythonWithoutOutputs(Picture));

        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(FakePipeline.Answer(image));

        var answer = await TritonAnswer.ReadAsync(await waiting);
        Assert.Equal([0, 7], answer.Shape("probabilities"));
        Assert.Equal(0, answer.Output("probabilities").GetProperty("parameters").GetProperty("binary_data_size").GetInt32());
    }

    [SkippableFact]
    public async Task Pixels_come_as_bytes()
    {
        await using var api = await StartAllAsync();
        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PythonPixels([1, 2, 3, 4, 5, 6], 1, 2));

        var image = await AnswerAsync();

        Assert.Equal("BM"u8.ToArray(), image.Body.ToArray()[..2]);
        Assert.Equal([3, 2, 1, 6, 5, 4], image.Body.ToArray()[54..60]);
        await TritonAnswer.ReadAsync(await waiting);
    }

    [SkippableFact]
    public async Task Perf_analyzer_walks_from_the_metadata_to_the_statistics()
    {
        await using var api = await StartAllAsync();

        // It reads both before the first request.
        var metadata = await GetAsync(api, "/v2/models/fer");
        var config = await GetAsync(api, "/v2/models/fer/config");
        Assert.Equal("image", metadata.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal(0, config.GetProperty("max_batch_size").GetInt32());
        Assert.False(config.GetProperty("model_transaction_policy").GetProperty("decoupled").GetBoolean());
        Assert.Equal("TYPE_STRING", config.GetProperty("input")[0].GetProperty("data_type").GetString());
        Assert.Equal(
            metadata.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()),
            config.GetProperty("output").EnumerateArray().Select(o => o.GetProperty("name").GetString()));
        Assert.False(config.TryGetProperty("sequence_batching", out _));
        Assert.Contains("statistics", (await GetAsync(api, "/v2")).GetProperty("extensions").EnumerateArray().Select(e => e.GetString()));

        var waiting = api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PerfAnalyzer(Picture));
        await AnswerAsync();
        var answer = await TritonAnswer.ReadAsync(await waiting);
        Assert.Equal("", answer.Json.GetProperty("id").GetString());
        Assert.Equal(["Happy"], answer.Texts("name"));

        foreach (var path in new[] { "/v2/models/stats", "/v2/models/fer/stats", $"/v2/models/fer/versions/{FakePipeline.Version}/stats" })
        {
            var stats = Assert.Single((await GetAsync(api, path)).GetProperty("model_stats").EnumerateArray());
            Assert.Equal("fer", stats.GetProperty("name").GetString());
            Assert.Equal(FakePipeline.Version, stats.GetProperty("version").GetString());
            Assert.Equal(1, stats.GetProperty("inference_count").GetInt64());
            Assert.Equal(1, stats.GetProperty("execution_count").GetInt64());
            Assert.True(stats.GetProperty("last_inference").GetInt64() > 0);
            var durations = stats.GetProperty("inference_stats");
            Assert.Equal(1, durations.GetProperty("success").GetProperty("count").GetInt64());
            Assert.Equal(2_000_000, durations.GetProperty("compute_infer").GetProperty("ns").GetInt64());
            Assert.Equal(4_000_000, durations.GetProperty("compute_input").GetProperty("ns").GetInt64());
            Assert.Equal(1_000_000, durations.GetProperty("queue").GetProperty("ns").GetInt64());
            foreach (var name in new[] { "fail", "compute_output", "cache_hit", "cache_miss" })
            {
                Assert.Equal(0, durations.GetProperty(name).GetProperty("count").GetInt64());
            }
        }

        Assert.Equal(HttpStatusCode.NotFound, (await api.SendAsync(HttpMethod.Get, "/v2/models/fer/versions/other/stats")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await api.SendAsync(HttpMethod.Get, "/v2/models/other/config")).StatusCode);
    }

    [SkippableFact]
    public async Task A_request_that_fails_is_counted_as_failed()
    {
        await using var api = await StartAllAsync();

        await api.SendAsync(HttpMethod.Post, Infer, content: TritonRequests.PythonWithoutOutputs([1, 2, 3]));

        var stats = Assert.Single((await GetAsync(api, "/v2/models/fer/stats")).GetProperty("model_stats").EnumerateArray());
        Assert.Equal(1, stats.GetProperty("inference_stats").GetProperty("fail").GetProperty("count").GetInt64());
        Assert.Equal(0, stats.GetProperty("inference_count").GetInt64());
    }

    [SkippableFact]
    public async Task Shared_memory_is_refused_with_a_sentence()
    {
        await using var api = await StartAllAsync();

        await AssertErrorAsync(400, "no shared memory", await PostAsync(api, Infer, TritonRequests.SharedMemory));
        await AssertErrorAsync(404, "not_found", await api.SendAsync(HttpMethod.Get, "/v2/systemsharedmemory/status"));
    }

    [SkippableFact]
    public async Task The_index_names_every_registered_version_and_which_of_them_answer()
    {
        await using var api = await StartAllAsync(models: request => Task.FromResult(request is ModelRequests.List
            ? OperatorReply.Done("4 versions.", new ModelsView(4, [Model("v1", "champion"), Model("v2", canary: 0.1), Model("v3", "previous"), Model("v4", bad: "it failed")]))
            : OperatorReply.Refused("unexpected")));

        var all = await ApiUnderTest.JsonAsync(await api.SendAsync(HttpMethod.Post, "/v2/repository/index", content: new ByteArrayContent([])));
        var ready = await ApiUnderTest.JsonAsync(await PostAsync(api, "/v2/repository/index", """{"ready":true}"""));

        Assert.Equal(
            ["fer v1 READY champion", "fer v2 READY canary", "fer v3 UNAVAILABLE previous", "fer v4 UNAVAILABLE it failed"],
            all.EnumerateArray().Select(m => string.Join(' ', new[] { "name", "version", "state", "reason" }.Select(name => m.GetProperty(name).GetString()))));
        Assert.Equal(["v1", "v2"], ready.EnumerateArray().Select(m => m.GetProperty("version").GetString()));
    }

    [SkippableFact]
    public async Task To_load_a_version_is_to_promote_it_and_needs_the_right()
    {
        var (plain, first) = ApiKeyLine.Create("anna");
        var (able, second) = ApiKeyLine.Create("otto", ApiKeyLine.ModelsRight);
        var asked = new List<OperatorRequest>();
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [first.ToString(), second.ToString()] }, request =>
        {
            asked.Add(request);
            return Task.FromResult(request is ModelRequests.Promote { Version: "v9" }
                ? OperatorReply.Refused("v9 is less accurate than the champion.")
                : OperatorReply.Done("v2 is the champion."));
        });

        await AssertErrorAsync(403, "forbidden: ", await PostAsync(api, Load, TritonRequests.LoadByConfiguration, plain));
        Assert.Empty(asked);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(api, Load, TritonRequests.LoadByConfiguration, able)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(api, Load, """{"parameters":{"version":"v3","role":"canary","share":0.25}}""", able)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(api, Load, """{"parameters":{"version":"v4","role":"shadow"}}""", able)).StatusCode);
        Assert.Equal([new ModelRequests.Promote("v2"), new ModelRequests.Canary("v3", 0.25), new ModelRequests.Shadow("v4", 0.1)], asked);
        await AssertErrorAsync(409, "less accurate", await PostAsync(api, Load, """{"parameters":{"version":"v9"}}""", able));
        await AssertErrorAsync(400, "names no version", await PostAsync(api, Load, "{}", able));
        await AssertErrorAsync(400, "not taken over the network", await PostAsync(api, Load, TritonRequests.LoadFiles, able));
        await AssertErrorAsync(400, "role must be", await PostAsync(api, Load, """{"parameters":{"version":"v3","role":"king"}}""", able));
        await AssertErrorAsync(404, "not_found", await PostAsync(api, "/v2/repository/models/other/load", TritonRequests.LoadByConfiguration, able));
        Assert.Equal(4, asked.Count);
    }

    [SkippableFact]
    public async Task To_unload_ends_a_canary_or_a_shadow_and_never_the_champion()
    {
        var (able, line) = ApiKeyLine.Create("otto", ApiKeyLine.ModelsRight);
        var asked = new List<OperatorRequest>();
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [line.ToString()] }, request =>
        {
            asked.Add(request);
            return Task.FromResult(request is ModelRequests.Status
                ? OperatorReply.Done("", new FleetView(1, 1, "v1", "v2", 0.1, "v3", 0.1, null, true, true, null, null, null, []))
                : OperatorReply.Done("It has ended."));
        });

        Assert.Equal(HttpStatusCode.OK, (await PostAsync(api, Unload, """{"parameters":{"version":"v2"}}""", able)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(api, Unload, """{"parameters":{"role":"shadow"}}""", able)).StatusCode);
        Assert.Equal([new ModelRequests.EndCanary(), new ModelRequests.EndShadow()], asked.Where(request => request is not ModelRequests.Status));
        await AssertErrorAsync(409, "The champion cannot be unloaded", await PostAsync(api, Unload, """{"parameters":{"version":"v1"}}""", able));
        await AssertErrorAsync(409, "No such version", await PostAsync(api, Unload, """{"parameters":{"version":"v7"}}""", able));
        await AssertErrorAsync(400, "neither a version nor a role", await PostAsync(api, Unload, TritonRequests.Unload, able));
    }

    [SkippableFact]
    public async Task Without_a_way_to_the_registry_the_repository_is_unavailable()
    {
        await using var api = await StartAllAsync();

        await AssertErrorAsync(503, "registry_unavailable", await PostAsync(api, "/v2/repository/index", ""));
        await AssertErrorAsync(403, "forbidden", await PostAsync(api, Load, TritonRequests.LoadByConfiguration));
    }

    private static ModelSummary Model(string version, string? alias = null, double? canary = null, string? bad = null) =>
        new(version, alias is null ? [] : [alias], 0.6, 0.6, 1, 100, DateTimeOffset.UnixEpoch, null, bad, canary);

    private static async Task AssertErrorAsync(int status, string sentence, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} instead of {status}: {text}");
        Assert.Contains(sentence, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> PostAsync(ApiUnderTest api, string path, string json, string? key = null) =>
        api.SendAsync(HttpMethod.Post, path, key, new ByteArrayContent(Encoding.UTF8.GetBytes(json)));

    private static async Task<JsonElement> GetAsync(ApiUnderTest api, string path) => await ApiUnderTest.JsonAsync(await api.SendAsync(HttpMethod.Get, path));

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null, Func<OperatorRequest, Task<OperatorReply>>? models = null)
    {
        await StartAsync(answers: false);
        var api = await ApiUnderTest.StartAsync(Sys, Options, options, models: models);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    private async Task<ClassifyImage> AnswerAsync()
    {
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));
        return image;
    }
}
