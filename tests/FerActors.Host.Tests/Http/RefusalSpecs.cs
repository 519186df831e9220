using FerActors.Host.Tests.Brokers;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>A client that sends all of its body before it reads comes to read why it was refused.</summary>
public sealed class RefusalSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    // More than the buffers between the two take.
    private const int Large = 20 * 1024 * 1024;

    [Theory]
    [InlineData("/v1/classify", 413)]
    [InlineData("/v1/batches", 413)]
    [InlineData("/v2/models/fer/infer", 413)]
    [InlineData("/v1/feedback", 413)]
    [InlineData("/no/such", 404)]
    public async Task What_is_too_large_or_leads_nowhere(string path, int status)
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0, MaxBatchBytes = 1024 * 1024 });

        Assert.StartsWith($"HTTP/1.1 {status} ", await PostAsync(api, path, Large), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_of_unknown_length()
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0 });
        using var client = await RawClient.ConnectAsync(api.Address);

        await client.SendAsync("POST /v1/classify HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "", $"{Large:x}");
        await client.SendAsync(new byte[Large]);
        await client.SendAsync("", "0", "");

        Assert.StartsWith("HTTP/1.1 413 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key()
    {
        var (_, line) = ApiKeyLine.Create("anna");
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0, KeyHashes = [line.ToString()] });

        Assert.StartsWith("HTTP/1.1 401 ", await PostAsync(api, "/v1/classify", Large), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beyond_the_rate()
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 1, RateBurst = 1 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PostAsync(api, "/v1/feedback", Large)));

        Assert.All(answers, answer => Assert.Matches("^HTTP/1.1 4(13|29) ", answer));
        Assert.Contains(answers, answer => answer.StartsWith("HTTP/1.1 429 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task From_a_foreign_page_or_under_a_foreign_name()
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0 });

        Assert.StartsWith("HTTP/1.1 421 ", await PostAsync(api, "/v1/classify", Large, "Host: evil.example"), StringComparison.Ordinal);
        Assert.StartsWith(
            "HTTP/1.1 403 ", await PostAsync(api, "/v1/classify", Large, "Host: localhost", "Origin: http://evil.example"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Which_is_no_picture()
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0 });

        Assert.StartsWith("HTTP/1.1 415 ", await PostAsync(api, "/v1/classify", new ImageLimitsOptions().MaxBytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_small_refusal_leaves_the_connection_open()
    {
        await using var api = await StartAsync(new ApiOptions { RatePerSecond = 0 });
        using var client = await RawClient.ConnectAsync(api.Address);

        foreach (var _ in new int[2])
        {
            await client.SendAsync("POST /no/such HTTP/1.1", "Host: localhost", "Content-Length: 3", "", "a");
            Assert.StartsWith("HTTP/1.1 404 ", await client.ReadSomeAsync(), StringComparison.Ordinal);
        }
    }

    private Task<ApiUnderTest> StartAsync(ApiOptions options)
    {
        // None of these requests comes to the broker.
        Options.Uri = "amqp://127.0.0.1:1/";
        return ApiUnderTest.StartAsync(Sys, Options, options);
    }

    private static async Task<string> PostAsync(ApiUnderTest api, string path, int length, params string[] headers)
    {
        using var client = await RawClient.ConnectAsync(api.Address);
        await client.SendAsync([$"POST {path} HTTP/1.1", .. headers.Length > 0 ? headers : ["Host: localhost"], "Connection: close", $"Content-Length: {length}", ""]);
        await client.SendAsync(new byte[length]);
        return await client.ReadToEndAsync();
    }
}
