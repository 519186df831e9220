using System.Net;
using FerActors.Host.Health;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.Health;
using FerActors.Host.Tests.Operator;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>A page from elsewhere in a browser on this machine: it can point its own name here, and send what needs no permission.</summary>
public sealed class ForeignPageSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:8080")]
    [InlineData("localhost.evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("notlocalhost")]
    [InlineData("below.fer.example")]
    [InlineData("wild.example")]
    public async Task A_name_that_is_not_the_apis_is_refused_on_every_path(string host)
    {
        await using var api = await StartAsync();

        foreach (var path in new[] { "/", "/page.js", "/v1/batches/x", "/v2", "/v2/health/live", "/openapi/v1.json", "/no/such" })
        {
            var answer = await SendAsync(api.Client, HttpMethod.Get, path, host);
            Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
            Assert.Contains("Api:AllowedHosts", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await SendAsync(api.Client, HttpMethod.Post, "/v1/classify", host)).StatusCode);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:9")]
    [InlineData("localhost.")]
    [InlineData("192.168.7.9:80")]
    [InlineData("[fe80::1]:80")]
    [InlineData("fer.example")]
    [InlineData("a.b.wild.example:443")]
    public async Task Addresses_and_names_that_are_the_apis_are_served(string host)
    {
        await using var api = await StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(api.Client, HttpMethod.Get, "/", host)).StatusCode);
    }

    [Theory]
    [InlineData("/v1/classify", "http://evil.example")]
    [InlineData("/v1/batches", "null")]
    [InlineData("/v1/feedback", "http://evil.example")]
    [InlineData("/v2/models/fer/infer", "http://evil.example")]
    [InlineData("/v1/feedback", "http://localhost:9")]
    [InlineData("/v1/feedback", "https://localhost.evil.example")]
    [InlineData("/v1/feedback", "localhost")]
    public async Task What_a_page_of_another_origin_sends_is_refused(string path, string origin)
    {
        await using var api = await StartAsync();

        var answer = await SendAsync(api.Client, HttpMethod.Post, path, "localhost", origin);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("foreign_origin", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:8080", "http://localhost:8080")]
    [InlineData("fer.example", "https://fer.example")]
    [InlineData("fer.example", "https://app.example")]
    [InlineData("fer.example", null)]
    public async Task The_own_page_named_origins_and_programs_may_send(string host, string? origin)
    {
        await using var api = await StartAsync();

        var answer = await SendAsync(api.Client, HttpMethod.Post, "/v1/classify", host, origin);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("empty_body", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_endpoint_answers_to_addresses_and_its_names_alone()
    {
        await using var node = await HealthClient.StartAsync("Cluster:Roles:0=api", "Health:AllowedHosts:0=fer-health");
        using var http = new HttpClient { BaseAddress = node.Address };

        foreach (var path in new[] { HealthServer.LivePath, HealthServer.MetricsPath })
        {
            var refused = await SendAsync(http, HttpMethod.Get, path, "evil.example");
            Assert.Equal(HttpStatusCode.MisdirectedRequest, refused.StatusCode);
            Assert.DoesNotContain("dotnet_", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

            // As Kubernetes asks a pod.
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, path, "10.1.2.3:9120")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, path, "fer-health:9120")).StatusCode);
        }
    }

    [Fact]
    public async Task The_control_port_refuses_foreign_names_and_pages_even_with_the_token()
    {
        const string token = "0123456789abcdef-token";
        var folder = Directory.CreateTempSubdirectory("fer-control-");
        try
        {
            await using var node = await OperatorNode.StartAsync(folder.FullName, o => o with { Port = 0, Token = token, AllowedHosts = ["fer-control"] });
            using var http = new HttpClient { BaseAddress = node.Server.TcpAddress };
            http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");

            Assert.Equal(HttpStatusCode.MisdirectedRequest, (await ShowAsync("evil.example")).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await ShowAsync("localhost", "http://evil.example")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await ShowAsync("localhost")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await ShowAsync("fer-control:9111")).StatusCode);

            Task<HttpResponseMessage> ShowAsync(string host, string? origin = null) =>
                SendAsync(http, HttpMethod.Post, ControlServer.Route, host, origin, """{"operation":"cluster.show"}""");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private Task<ApiUnderTest> StartAsync()
    {
        Options.Uri = "amqp://127.0.0.1:1/";
        return ApiUnderTest.StartAsync(
            Sys, Options, new ApiOptions { RatePerSecond = 0, AllowedHosts = ["fer.example", "*.wild.example"], CorsOrigins = ["https://app.example"] });
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient http, HttpMethod method, string path, string host, string? origin = null, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = method == HttpMethod.Post ? new StringContent(body ?? "") : null };
        request.Headers.Host = host;
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return await http.SendAsync(request);
    }
}
