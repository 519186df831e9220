using System.Text;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace FerActors.Client.Tests.Http;

/// <summary>The client before an API that answers as the spec says.</summary>
public sealed class HttpSpecs : IAsyncDisposable
{
    private static readonly byte[] Image = [1, 2, 3];

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedApi _api = new();

    public ValueTask DisposeAsync()
    {
        _api.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_image_is_posted_with_its_parameters_and_its_key()
    {
        await using var client = Client(options =>
        {
            options.Address = "https://example.org/fer/";
            options.ApiKey = "fer_key";
        });
        _api.Say(200, ResultJson.Serialize(new ClassificationResult { MessageId = "m-1", Node = "n" }));

        var result = await client.ClassifyAsync(Image, new ClassifyOptions
        {
            Faces = FaceSelection.Largest,
            Include = IncludeParts.Crop,
            Aligned = true,
            Explain = new ExplanationRequest(ExplanationMethod.Gradient, Expression.Sad),
        });

        Assert.Equal("m-1", result.MessageId);
        var (request, body) = Assert.Single(_api.Heard);
        Assert.Equal(
            "https://example.org/fer/v1/classify?faces=largest&include=crop&aligned=true&explain=gradient%3Asad", request.RequestUri!.AbsoluteUri);
        Assert.Equal("fer_key", Assert.Single(request.Headers.GetValues("X-Api-Key")));
        Assert.Equal(Image, body);
    }

    [Theory]
    [InlineData(400, ErrorCodes.InvalidHeader, typeof(FerImageException))]
    [InlineData(401, ApiCodes.Unauthorized, typeof(FerAccessException))]
    [InlineData(421, ApiCodes.UnknownHost, typeof(FerAccessException))]
    [InlineData(408, ApiCodes.SlowBody, typeof(FerTimeoutException))]
    [InlineData(413, ErrorCodes.TooLarge, typeof(FerImageException))]
    [InlineData(422, ErrorCodes.CorruptImage, typeof(FerImageException))]
    [InlineData(429, ApiCodes.RateLimited, typeof(FerUnavailableException))]
    [InlineData(500, ErrorCodes.ModelFailure, typeof(FerNodeException))]
    [InlineData(503, ApiCodes.BrokerUnavailable, typeof(FerUnavailableException))]
    [InlineData(504, ErrorCodes.Expired, typeof(FerTimeoutException))]
    public async Task A_problem_is_an_exception_of_its_kind(int status, string code, Type kind)
    {
        await using var client = Client();
        _api.Say(status, Encoding.UTF8.GetBytes($$"""{"code": "{{code}}", "detail": "A sentence.", "message_id": "m-1"}"""));

        var failure = await Record.ExceptionAsync(() => client.ClassifyAsync(Image));

        Assert.IsType(kind, failure);
        var told = (FerException)failure;
        Assert.Equal((code, "A sentence.", "m-1"), (told.Code, told.Message, told.MessageId));
    }

    [Theory]
    [InlineData(302, typeof(FerNodeException))]
    [InlineData(401, typeof(FerAccessException))]
    [InlineData(413, typeof(FerImageException))]
    [InlineData(429, typeof(FerUnavailableException))]
    [InlineData(502, typeof(FerUnavailableException))]
    [InlineData(504, typeof(FerTimeoutException))]
    public async Task A_proxy_that_answers_without_a_problem_is_understood_by_its_status(int status, Type kind)
    {
        await using var client = Client();
        _api.Say(status, "<html>[]"u8.ToArray());

        var failure = await Record.ExceptionAsync(() => client.ClassifyAsync(Image));

        Assert.IsType(kind, failure);
        Assert.Contains($"example.org answered with status {status}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{\"code\": 5, \"detail\": null}")]
    [InlineData("")]
    public async Task A_problem_that_is_none_is_no_fault_of_the_client(string body)
    {
        await using var client = Client();
        _api.Say(500, Encoding.UTF8.GetBytes(body));

        Assert.Equal(ErrorCodes.Internal, (await Assert.ThrowsAsync<FerNodeException>(() => client.ClassifyAsync(Image))).Code);
    }

    [Fact]
    public async Task A_page_instead_of_a_result_is_an_exception()
    {
        await using var client = Client();
        _api.Say(200, "<html>"u8.ToArray());

        await Assert.ThrowsAsync<FerNodeException>(() => client.ClassifyAsync(Image));
    }

    [Fact]
    public async Task What_the_API_puts_off_is_sent_again_when_it_says_so()
    {
        await using var client = Client();
        _api.Say(429, "{\"code\": \"rate_limited\", \"detail\": \"Slow down.\"}"u8.ToArray(), retryAfter: "5");
        _api.Say(503, "{\"code\": \"overloaded\", \"detail\": \"Later.\"}"u8.ToArray(), retryAfter: _clock.GetUtcNow().AddSeconds(7).ToString("R"));
        _api.Say(200, ResultJson.Serialize(new ClassificationResult { MessageId = "m-1", Node = "n" }));

        var began = _clock.GetUtcNow();
        var classifying = client.ClassifyAsync(Image);
        await AdvanceUntilAskedAsync(2, classifying);
        Assert.InRange(_clock.GetUtcNow() - began, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6.9));
        await AdvanceUntilAskedAsync(3, classifying);
        Assert.InRange(_clock.GetUtcNow() - began, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(29));

        Assert.Equal("m-1", (await classifying).MessageId);
        Assert.All(_api.Heard, heard => Assert.Equal(Image, heard.Body));
    }

    [Fact]
    public async Task What_is_put_off_beyond_the_timeout_ends_at_once_and_says_for_how_long()
    {
        await using var client = Client(options => options.Timeout = TimeSpan.FromSeconds(30));
        _api.Say(429, "{\"code\": \"rate_limited\", \"detail\": \"Slow down.\"}"u8.ToArray(), retryAfter: "31");

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => client.ClassifyAsync(Image));

        Assert.Equal(TimeSpan.FromSeconds(31), failure.RetryAfter);
    }

    [Fact]
    public async Task An_image_is_not_sent_again_more_often_than_the_options_say()
    {
        await using var client = Client(options => options.MaxRetries = 2);
        for (var i = 0; i < 4; i++)
        {
            _api.Say(503, "{\"code\": \"overloaded\", \"detail\": \"Later.\"}"u8.ToArray(), retryAfter: "0");
        }

        await Assert.ThrowsAsync<FerUnavailableException>(() => client.ClassifyAsync(Image));

        Assert.Equal(3, _api.Heard.Count);
    }

    [Fact]
    public async Task An_API_that_does_not_answer_ends_with_the_deadline()
    {
        await using var client = Client(options => options.Timeout = TimeSpan.FromSeconds(30));
        _api.SayNothing();

        var classifying = client.ClassifyAsync(Image);
        await _api.AskedAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Contains("The API at example.org did not answer", (await Assert.ThrowsAsync<FerTimeoutException>(() => classifying)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_gives_up_is_let_go()
    {
        await using var client = Client();
        using var caller = new CancellationTokenSource();
        _api.SayNothing();

        var classifying = client.ClassifyAsync(Image, cancellationToken: caller.Token);
        await _api.AskedAsync(1);
        await caller.CancelAsync();

        Assert.Equal(caller.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => classifying)).CancellationToken);
    }

    [Fact]
    public async Task An_API_that_is_not_there_is_named()
    {
        await using var client = FerClient.Create("http://127.0.0.1:1/", options => options.ApiKey = "s3cret");

        var failure = await Assert.ThrowsAsync<FerUnavailableException>(() => client.ClassifyAsync(Image));

        Assert.Contains("The API at 127.0.0.1:1 cannot be reached", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_of_the_callers_own_is_refused_since_the_API_draws_ids()
    {
        await using var client = Client();

        await Assert.ThrowsAsync<NotSupportedException>(() => client.ClassifyAsync(Image, new ClassifyOptions { MessageId = "m-1" }));

        Assert.Empty(_api.Heard);
    }

    [Fact]
    public void The_key_goes_nowhere_else_by_a_redirection() => Assert.False(HttpTransport.NewHandler().AllowAutoRedirect);

    private FerClient Client(Action<FerClientOptions>? configure = null)
    {
        var options = new FerClientOptions { Address = "https://example.org" };
        configure?.Invoke(options);
        return FerClient.Create(options, () => new HttpClient(_api, disposeHandler: false), _clock, logging: null);
    }

    // In small steps, since the client begins to wait a moment after it was answered.
    private async Task AdvanceUntilAskedAsync(int count, Task running)
    {
        while (_api.Heard.Count < count)
        {
            Assert.False(running.IsCompleted, "It ended without sending the image again.");
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }
    }
}
