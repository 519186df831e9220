using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Akka.Hosting;
using FerActors.Host.Configuration;
using FerActors.Host.Http;
using FerActors.Host.Http.Requests;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Node;
using FerActors.Host.Tests.Brokers;
using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>Who may call the API, how often, from which pages, and what it says about itself.</summary>
public sealed class AccessSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private static readonly byte[] Picture = Surroundings.Picture(".png");

    [SkippableFact]
    public async Task Only_a_known_key_opens_the_api()
    {
        var (key, line) = ApiKeyLine.Create("anna");
        await StartAsync();
        await using var api = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()] });

        await ApiUnderTest.AssertProblemAsync(401, ApiCodes.Unauthorized, await api.PostAsync(Picture));
        await ApiUnderTest.AssertProblemAsync(401, ApiCodes.Unauthorized, await api.PostAsync(Picture, key: key + "0"));
        await ApiUnderTest.AssertProblemAsync(401, ApiCodes.Unauthorized, await api.PostAsync(Picture, key: line.ToString()));
        await Pipeline.ExpectNoMsgAsync(TimeSpan.Zero);
        Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture, key: key)).StatusCode);
        api.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture)).StatusCode);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_reads_the_file_of_hashes_has_no_key(bool inFile)
    {
        var (_, line) = ApiKeyLine.Create("anna");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $"{line}\n");
            await using var api = await StartApiAsync(
                inFile ? new ApiOptions { KeysFile = file, RatePerSecond = 0 } : new ApiOptions { KeyHashes = [line.ToString()], RatePerSecond = 0 });
            string[] stored =
            [
                line.ToString(),
                Convert.ToHexStringLower(line.Hash),
                Convert.ToHexString(line.Hash),
                "fer_" + Convert.ToHexStringLower(line.Hash),
                Convert.ToBase64String(line.Hash),
                line.Name,
            ];

            foreach (var guess in stored)
            {
                await ApiUnderTest.AssertProblemAsync(401, ApiCodes.Unauthorized, await api.PostAsync(Picture, key: guess));
                using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/classify") { Content = new ByteArrayContent(Picture) };
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {guess}");
                await ApiUnderTest.AssertProblemAsync(401, ApiCodes.Unauthorized, await api.Client.SendAsync(request));
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableTheory]
    [InlineData("X-Forwarded-For", "10.0.0.{0}")]
    [InlineData("X-Real-IP", "10.0.0.{0}")]
    [InlineData("Forwarded", "for=10.0.0.{0}")]
    [InlineData("X-Api-Key", "guess-{0}")]
    public async Task No_header_of_the_clients_makes_it_another_caller(string header, string value)
    {
        await using var api = await StartApiAsync(new ApiOptions { RatePerSecond = 1, RateBurst = 2 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/classify") { Content = new ByteArrayContent([]) };
            request.Headers.TryAddWithoutValidation(header, string.Format(System.Globalization.CultureInfo.InvariantCulture, value, i));
            return await api.Client.SendAsync(request);
        }));

        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
    }

    [SkippableFact]
    public async Task Slow_bodies_of_one_key_leave_another_its_place()
    {
        var (anna, first) = ApiKeyLine.Create("anna");
        var (otto, second) = ApiKeyLine.Create("otto");
        await StartAsync();
        await using var api = await StartApiAsync(new ApiOptions
        {
            KeyHashes = [first.ToString(), second.ToString()],
            RatePerSecond = 0,
            MaxConcurrentRequests = 4,
            MaxQueuedPerCaller = 0,
            BodyTimeout = TimeSpan.FromMinutes(10),
            MinBodyBytesPerSecond = 0,
        });
        var slow = new List<RawClient>();
        try
        {
            // One after the other, until one is refused: then the others are held.
            string answer;
            do
            {
                slow.Add(await RawClient.ConnectAsync(api.Address));
                await slow[^1].SendAsync(
                    "POST /v1/classify HTTP/1.1", "Host: localhost", $"X-Api-Key: {anna}", "Expect: 100-continue", "Content-Length: 1000", "");
                answer = await slow[^1].ReadSomeAsync();
            }
            while (answer.StartsWith("HTTP/1.1 100 ", StringComparison.Ordinal));

            Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
            Assert.Equal(3, slow.Count);
            Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture, key: otto)).StatusCode);
        }
        finally
        {
            slow.ForEach(client => client.Dispose());
        }
    }

    [SkippableFact]
    public async Task A_body_below_the_lowest_rate_is_given_up()
    {
        await using var api = await StartApiAsync(
            new ApiOptions { RatePerSecond = 0, BodyTimeout = TimeSpan.FromMinutes(10), MinBodyBytesPerSecond = 1024 * 1024 });
        using var client = await RawClient.ConnectAsync(api.Address);
        await client.SendAsync("POST /v1/classify HTTP/1.1", "Host: localhost", "Content-Length: 1000", "", "a");

        var answer = await client.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"slow_body\"", answer, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_key_that_leaves_its_file_is_refused_without_a_restart()
    {
        var (one, first) = ApiKeyLine.Create("anna");
        var (other, second) = ApiKeyLine.Create("otto");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $"# keys\n{first}\n{second}\n");
            await StartAsync();
            await using var api = await StartApiAsync(new ApiOptions { KeysFile = file, RatePerSecond = 0 });
            Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture, key: one)).StatusCode);

            await File.WriteAllTextAsync(file, $"{second}\n");

            await UntilAsync(async () => (await api.PostAsync([], key: one)).StatusCode == HttpStatusCode.Unauthorized);
            Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture, key: other)).StatusCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableFact]
    public async Task Beyond_the_rate_the_answer_is_429_for_that_key_alone()
    {
        var (one, first) = ApiKeyLine.Create("anna");
        var (other, second) = ApiKeyLine.Create("otto");
        await StartAsync();
        await using var api = await StartApiAsync(new ApiOptions
        {
            KeyHashes = [first.ToString(), second.ToString()],
            RatePerSecond = 1,
            RateBurst = 3,
        });

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => api.PostAsync(Picture, key: one)));

        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.NotEmpty(refused);
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        await ApiUnderTest.AssertProblemAsync(429, ApiCodes.RateLimited, refused[0]);
        Assert.NotNull(refused[0].Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await api.PostAsync(Picture, key: other)).StatusCode);
    }

    [SkippableFact]
    public async Task Guesses_at_keys_are_limited_as_well()
    {
        var (_, line) = ApiKeyLine.Create("anna");
        await using var api = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()], RatePerSecond = 1, RateBurst = 2 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => api.PostAsync([], key: $"guess-{i}")));

        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.Unauthorized);
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
    }

    [SkippableFact]
    public async Task Pages_of_other_origins_are_let_in_only_where_they_are_named()
    {
        await using var closed = await StartApiAsync(new ApiOptions());
        await using var open = await StartApiAsync(new ApiOptions { CorsOrigins = ["https://one.example"] });

        Assert.Null(await AllowedAsync(closed, "https://one.example"));
        Assert.Null(await AllowedAsync(open, "https://two.example"));
        Assert.Equal("https://one.example", await AllowedAsync(open, "https://one.example"));

        static async Task<string?> AllowedAsync(ApiUnderTest api, string origin)
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/classify");
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Method", "POST");
            var response = await api.Client.SendAsync(request);
            return response.Headers.TryGetValues("Access-Control-Allow-Origin", out var allowed) ? allowed.Single() : null;
        }
    }

    [SkippableFact]
    public async Task What_does_not_exist_is_a_problem_too()
    {
        await using var api = await StartApiAsync(new ApiOptions());

        await ApiUnderTest.AssertProblemAsync(404, ApiCodes.NotFound, await api.Client.GetAsync(new Uri("/no/such", UriKind.Relative)));
        await ApiUnderTest.AssertProblemAsync(405, ApiCodes.MethodNotAllowed, await api.Client.GetAsync(new Uri("/v1/classify", UriKind.Relative)));
    }

    [SkippableFact]
    public async Task The_api_describes_itself_to_anybody()
    {
        var (_, line) = ApiKeyLine.Create("anna");
        await using var api = await StartApiAsync(new ApiOptions { KeyHashes = [line.ToString()] });

        var response = await api.Client.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var paths = (await ApiUnderTest.JsonAsync(response)).GetProperty("paths");
        var classify = paths.GetProperty("/v1/classify").GetProperty("post");
        Assert.Equal(["faces", "include", "aligned", "explain"], classify.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()));
        Assert.True(classify.GetProperty("requestBody").GetProperty("content").TryGetProperty("image/jpeg", out _));
        Assert.True(classify.GetProperty("responses").TryGetProperty("504", out _));
        Assert.True(paths.GetProperty("/v1/batches/{id}").TryGetProperty("get", out _));
    }

    [SkippableFact]
    public async Task Every_operation_of_the_description_says_what_it_answers_and_names_its_path_parameters()
    {
        await using var api = await StartApiAsync(new ApiOptions());

        var document = await ApiUnderTest.JsonAsync(await api.Client.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative)));

        Assert.NotEqual(0, document.GetProperty("servers").GetArrayLength());
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var (name, responses) = ($"{operation.Name} {path.Name}", operation.Value.GetProperty("responses"));
                Assert.True(responses.EnumerateObject().Any(response => response.Name[0] == '2'), name);
                Assert.Equal(
                    Regex.Matches(path.Name, "{(.+?)}").Select(match => match.Groups[1].Value),
                    Parameters(operation.Value).Where(p => p.GetProperty("in").GetString() == "path").Select(p => p.GetProperty("name").GetString()));
                Assert.Equal(operation.Name == "post", operation.Value.TryGetProperty("requestBody", out _));
                var errors = responses.GetProperty("503").GetProperty("content").EnumerateObject().Select(content => content.Name);
                Assert.Equal([path.Name.StartsWith("/v2", StringComparison.Ordinal) ? "application/json" : "application/problem+json"], errors);
            }
        }

        static IEnumerable<JsonElement> Parameters(JsonElement operation) =>
            operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [];
    }

    [SkippableFact]
    public async Task A_node_of_the_role_api_answers_uploads_without_a_model()
    {
        await StartAsync();
        using var node = FerNode.Build(FerConfiguration.Build(null,
        [
            "Cluster:Roles:0=api",
            "Api:Urls=http://127.0.0.1:0",
            $"RabbitMq:Uri={Options.Uri}",
            $"RabbitMq:ImagesQueue={Options.ImagesQueue}",
            "Model:Path=/no/such/model",
            "Logging:Level=Error",
        ]));
        await node.StartAsync();
        using var client = new HttpClient { BaseAddress = node.Services.GetRequiredService<ApiServer>().Addresses[0] };

        // The gateway may still be connecting.
        await UntilAsync(async () => (await client.PostAsync(new Uri("/v1/classify", UriKind.Relative), new ByteArrayContent(Picture))).IsSuccessStatusCode);

        Assert.False(node.Services.GetRequiredService<ActorRegistry>().TryGet<ModelHost>(out _));
        await node.StopAsync();
    }

    private async Task<ApiUnderTest> StartApiAsync(ApiOptions options)
    {
        RequireBroker();
        var api = await ApiUnderTest.StartAsync(Sys, Options, options);
        await UntilAsync(async () => (await Akka.Actor.Futures.Ask<GatewayStatus>(api.Gateway, GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }
}
