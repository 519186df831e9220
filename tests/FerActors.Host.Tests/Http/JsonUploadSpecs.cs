using System.Net;
using System.Net.Http.Json;
using System.Text;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary><c>POST /v1/classify</c> with the image in JSON, as base64 or by its address.</summary>
public sealed class JsonUploadSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string Classify = "/v1/classify";

    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableTheory]
    [InlineData("")]
    [InlineData("data:image/png;base64,")]
    public async Task An_image_in_base64_is_classified_with_its_parameters(string prefix)
    {
        await using var api = await StartAllAsync();
        var waiting = api.Client.PostAsJsonAsync(
            new Uri(Classify, UriKind.Relative), new { image = prefix + Convert.ToBase64String(Picture), faces = "largest", aligned = false });

        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));

        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(FaceSelection.Largest, image.Request.Faces);
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    [SkippableFact]
    public async Task An_image_is_fetched_by_its_address_where_the_options_allow_its_host()
    {
        await using var images = await PictureServer.StartAsync(Picture);
        await using var api = await StartAllAsync(new ApiOptions { FetchUrls = true, FetchHosts = ["127.0.0.1"] });
        var waiting = api.Client.PostAsJsonAsync(new Uri(Classify, UriKind.Relative), new { image_url = images.Address });

        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        Pipeline.LastSender.Tell(HappyFaces.In(image));

        Assert.Equal(Picture, image.Body.ToArray());
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    [SkippableFact]
    public async Task An_address_inside_is_not_fetched_and_none_is_by_default()
    {
        await using var images = await PictureServer.StartAsync(Picture);
        await using var closed = await StartAllAsync();
        await using var open = await ApiUnderTest.StartAsync(Sys, Options, new ApiOptions { FetchUrls = true });

        await ApiUnderTest.AssertProblemAsync(400, ApiCodes.InvalidRequest, await PostAsync(closed, new { image_url = images.Address }));
        await ApiUnderTest.AssertProblemAsync(400, ApiCodes.InvalidRequest, await PostAsync(open, new { image_url = images.Address }));
        await ApiUnderTest.AssertProblemAsync(400, ApiCodes.InvalidRequest, await PostAsync(open, new { image_url = "http://localhost/" }));
        await ApiUnderTest.AssertProblemAsync(502, ApiCodes.FetchFailed, await PostAsync(open, new { image_url = "http://no-such-host.invalid/" }));
        Assert.Equal(0, images.Requests);

        static Task<HttpResponseMessage> PostAsync(ApiUnderTest api, object body) => api.Client.PostAsJsonAsync(new Uri(Classify, UriKind.Relative), body);
    }

    [SkippableTheory]
    [InlineData("", 400, "not well-formed")]
    [InlineData("[]", 400, "not an object")]
    [InlineData("{}", 400, "one of image (base64) and image_url")]
    [InlineData("""{"image":"AAAA","image_url":"http://a.example/"}""", 400, "one of image (base64) and image_url")]
    [InlineData("""{"image":"no base64!"}""", 400, "its image is not base64")]
    [InlineData("""{"image":7}""", 400, "its member image is not a text")]
    [InlineData("""{"image":"\ud800"}""", 400, "not Unicode")]
    [InlineData("""{"image":"AAAA","face":"all"}""", 400, "the nearest known one is faces")]
    [InlineData("""{"image":"AAAA","faces":"some"}""", 400, "faces")]
    [InlineData("""{"image":"AAAA"}""", 415, "accepted are JPEG")]
    public async Task What_cannot_be_used_gets_a_sentence(string body, int status, string sentence)
    {
        await using var api = await StartAllAsync();

        var answer = await api.SendAsync(HttpMethod.Post, Classify, content: new StringContent(body, Encoding.UTF8, "application/json"));

        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, text);
        Assert.Contains(sentence, text, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_largest_image_fits_into_base64_and_one_byte_more_does_not()
    {
        RequireBroker();
        var limits = new ImageLimitsOptions { MaxBytes = 30_000 };
        await using var api = await ApiUnderTest.StartAsync(Sys, Options, images: limits);
        async Task<HttpResponseMessage> PostAsync(int bytes) =>
            await api.Client.PostAsJsonAsync(new Uri(Classify, UriKind.Relative), new { image = Convert.ToBase64String(new byte[bytes]) });

        // Zeros are no image: the first refusal is of the format, the second of the size.
        await ApiUnderTest.AssertProblemAsync(415, ErrorCodes.UnsupportedFormat, await PostAsync(limits.MaxBytes));
        await ApiUnderTest.AssertProblemAsync(413, ErrorCodes.TooLarge, await PostAsync(limits.MaxBytes + 1));
        await ApiUnderTest.AssertProblemAsync(413, ErrorCodes.TooLarge, await PostAsync(limits.MaxBytes * 10));
    }

    private async Task<ApiUnderTest> StartAllAsync(ApiOptions? options = null)
    {
        await StartAsync(answers: false);
        var api = await ApiUnderTest.StartAsync(Sys, Options, (options ?? new ApiOptions()) with { RatePerSecond = 0 });
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }
}
