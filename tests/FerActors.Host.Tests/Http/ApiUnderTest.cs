using System.Net.Http.Headers;
using System.Text.Json;
using Akka.Actor;
using FerActors.Host.Broker;
using FerActors.Host.Http;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>A real web server on a free port, with the gateway behind it, and a client before it.</summary>
internal sealed class ApiUnderTest : IAsyncDisposable
{
    private readonly ApiServer _server;

    private ApiUnderTest(ApiServer server, IActorRef gateway)
    {
        _server = server;
        Gateway = gateway;
        Client = new HttpClient { BaseAddress = server.Addresses[0] };
    }

    public IActorRef Gateway { get; }

    public HttpClient Client { get; }

    public Uri Address => _server.Addresses[0];

    /// <summary>Where it takes calls by gRPC, if <see cref="ApiOptions.GrpcUrls"/> is set.</summary>
    public Uri GrpcAddress => _server.Addresses[1];

    public static async Task<ApiUnderTest> StartAsync(
        ActorSystem system,
        RabbitMqOptions rabbit,
        ApiOptions? api = null,
        ImageLimitsOptions? images = null,
        Func<OperatorRequest, Task<OperatorReply>>? models = null)
    {
        var options = new FerOptions
        {
            RabbitMq = rabbit,
            Images = images ?? new ImageLimitsOptions(),
            Api = (api ?? new ApiOptions { RatePerSecond = 0 }) with { Urls = "http://127.0.0.1:0" },
        };
        Assert.Empty(options.Validate());
        var gateway = system.ActorOf(Props.Create(() => new ImageGatewayActor(rabbit, new RabbitConnector(rabbit), 100, TimeProvider.System)));
        var server = new ApiServer(options, () => gateway, NullLoggerFactory.Instance, models: models);
        await server.StartAsync(CancellationToken.None);
        return new ApiUnderTest(server, gateway);
    }

    /// <summary>Posts an image as the body itself.</summary>
    public Task<HttpResponseMessage> PostAsync(byte[] image, string path = "/v1/classify", string? key = null, string type = "application/octet-stream")
    {
        var content = new ByteArrayContent(image);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return SendAsync(HttpMethod.Post, path, key, content);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? key = null, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("X-Api-Key", key);
        }

        return await Client.SendAsync(request);
    }

    /// <summary>A form with files.</summary>
    public static MultipartFormDataContent Form(params (string Field, string FileName, byte[] Body)[] files)
    {
        var form = new MultipartFormDataContent();
        foreach (var (field, name, body) in files)
        {
            form.Add(new ByteArrayContent(body), field, name);
        }

        return form;
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

    /// <summary>Asserts that a response is a problem with this status and reason.</summary>
    public static async Task<JsonElement> AssertProblemAsync(int status, string code, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} instead of {status}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.EndsWith(".", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        return problem;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
    }
}
