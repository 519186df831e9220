using System.Net;
using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Http;
using FerActors.Host.Http.Requests;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>Several images in one request, whose results are fetched later.</summary>
public sealed class BatchSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task The_results_of_a_batch_gather_in_its_order_the_bad_image_with_its_error()
    {
        await using var api = await StartAllAsync(new ApiOptions());

        var accepted = await PostAsync(api, Picture, "no picture"u8.ToArray(), Picture);

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        var batch = await DoneAsync(api, accepted.Headers.Location!);
        Assert.Equal(3, batch.GetProperty("images").GetInt32());
        Assert.Equal(["ok", "error", "ok"], batch.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()));
        Assert.Equal(
            ErrorCodes.UnsupportedFormat, batch.GetProperty("results")[1].GetProperty("error").GetProperty("code").GetString());
    }

    [SkippableFact]
    public async Task A_batch_that_is_under_way_shows_what_it_has()
    {
        await using var api = await StartAllAsync(new ApiOptions(), answers: false);
        var accepted = await PostAsync(api, Picture, Picture);
        var (one, other) = (await NextImageAsync(), await NextImageAsync());

        Answer(one);
        await UntilAsync(async () => (await ReadAsync(api, accepted.Headers.Location!)).GetProperty("answered").GetInt32() == 1);
        var half = await ReadAsync(api, accepted.Headers.Location!);
        Assert.Equal("running", half.GetProperty("status").GetString());
        Assert.Contains(half.GetProperty("results").EnumerateArray(), result => result.ValueKind == JsonValueKind.Null);

        Answer(other);
        await DoneAsync(api, accepted.Headers.Location!);
    }

    [SkippableFact]
    public async Task A_batch_is_its_callers_alone_and_goes_when_it_is_deleted()
    {
        var (anna, first) = ApiKeyLine.Create("anna");
        var (otto, second) = ApiKeyLine.Create("otto");
        await using var api = await StartAllAsync(new ApiOptions { KeyHashes = [first.ToString(), second.ToString()] });
        var accepted = await api.SendAsync(HttpMethod.Post, "/v1/batches", anna, ApiUnderTest.Form(("image", "a.png", Picture)));
        var address = accepted.Headers.Location!.ToString();

        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, address, anna)).StatusCode);
        await ApiUnderTest.AssertProblemAsync(404, ApiCodes.NotFound, await api.SendAsync(HttpMethod.Get, address, otto));
        await ApiUnderTest.AssertProblemAsync(404, ApiCodes.NotFound, await api.SendAsync(HttpMethod.Delete, address, otto));
        Assert.Equal(HttpStatusCode.NoContent, (await api.SendAsync(HttpMethod.Delete, address, anna)).StatusCode);
        await ApiUnderTest.AssertProblemAsync(404, ApiCodes.NotFound, await api.SendAsync(HttpMethod.Get, address, anna));
    }

    [SkippableFact]
    public async Task Too_many_images_or_batches_are_refused()
    {
        await using var api = await StartAllAsync(new ApiOptions { MaxBatches = 1, MaxBatchImages = 2 });

        await ApiUnderTest.AssertProblemAsync(400, ApiCodes.InvalidRequest, await PostAsync(api, Picture, Picture, Picture));
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(api, Picture)).StatusCode);
        await ApiUnderTest.AssertProblemAsync(503, ErrorCodes.Overloaded, await PostAsync(api, Picture));
    }

    [SkippableFact]
    public async Task A_batch_may_be_larger_than_one_image_and_not_larger_than_its_limit()
    {
        await using var api = await StartAllAsync(new ApiOptions { MaxBatchBytes = 300_000 }, new ImageLimitsOptions { MaxBytes = 20_000 });
        var noise = new byte[19_000];

        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(api, [.. Enumerable.Repeat(noise, 10)])).StatusCode);
        await ApiUnderTest.AssertProblemAsync(413, ErrorCodes.TooLarge, await PostAsync(api, [.. Enumerable.Repeat(noise, 20)]));
    }

    [Fact]
    public void Batches_expire_and_images_without_an_answer_count_until_they_have_one()
    {
        var time = new SetTime();
        var store = new BatchStore(maxBatches: 4, maxWaitingBytes: 100, TimeSpan.FromMinutes(1), time);
        var batch = store.TryAdd(null, "a", images: 1, bytes: 80)!;
        Assert.Null(store.TryAdd(null, "a", images: 1, bytes: 30));

        store.Set(batch, 0, new BatchItem("m", new GatewayAnswer.NotAnswered(ApiCodes.Timeout, "Late.")), bytes: 80);
        Assert.NotNull(store.TryAdd(null, "a", images: 1, bytes: 30));
        Assert.True(store.Find(batch.Id, null)!.IsDone);

        time.Now += TimeSpan.FromMinutes(1);
        Assert.Null(store.Find(batch.Id, null));
        Assert.NotNull(store.TryAdd(null, "a", images: 1, bytes: 30));
    }

    [Fact]
    public void A_caller_who_fills_the_store_leaves_room_for_others()
    {
        var store = new BatchStore(maxBatches: 8, maxWaitingBytes: 100, TimeSpan.FromMinutes(1), TimeProvider.System);

        var many = Enumerable.Range(0, 8).Count(_ => store.TryAdd(null, "many", images: 1, bytes: 1) is not null);
        Assert.Null(store.TryAdd(null, "large", images: 1, bytes: 100));
        Assert.NotNull(store.TryAdd(null, "large", images: 1, bytes: 50));
        Assert.Null(store.TryAdd(null, "large", images: 1, bytes: 1));

        Assert.Equal(4, many);
        Assert.NotNull(store.TryAdd(null, "new", images: 1, bytes: 10));
    }

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions options, ImageLimitsOptions? images = null, bool answers = true)
    {
        await StartAsync(answers);
        var api = await ApiUnderTest.StartAsync(Sys, Options, options with { RatePerSecond = 0 }, images);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    private static Task<HttpResponseMessage> PostAsync(ApiUnderTest api, params byte[][] images) =>
        api.SendAsync(HttpMethod.Post, "/v1/batches", content: ApiUnderTest.Form([.. images.Select((image, i) => ("image", $"{i}.png", image))]));

    private static async Task<JsonElement> ReadAsync(ApiUnderTest api, Uri address) =>
        await ApiUnderTest.JsonAsync(await api.Client.GetAsync(address));

    private async Task<JsonElement> DoneAsync(ApiUnderTest api, Uri address)
    {
        await UntilAsync(async () => (await ReadAsync(api, address)).GetProperty("status").GetString() == "done");
        return await ReadAsync(api, address);
    }

    private sealed class SetTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
