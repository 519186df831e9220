using System.Net;
using System.Net.Sockets;
using System.Text;
using FerActors.Host.Http.Fetching;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Http.Fetching;

/// <summary>
/// A fetch with a resolver and connections of the spec's own: what a name leads to, and what was connected to, is known to the byte.
/// </summary>
public sealed class ImageFetcherSpecs
{
    private const int Most = 1000;
    private const string Public = "93.184.215.14";

    private readonly Dictionary<string, Queue<string[]>> _names = [];
    private readonly Queue<string> _answers = new();
    private readonly List<string> _connected = [];
    private readonly List<RecordedStream> _streams = [];

    [Fact]
    public async Task An_image_of_a_public_host_is_fetched_and_nothing_travels_along()
    {
        Resolves("images.test", [Public]);
        Answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage");

        Assert.Equal("image"u8.ToArray(), (await FetchAsync("http://images.test/a.jpg?x=1")).ToArray());

        Assert.Equal([Public + ":80"], _connected);
        Assert.Equal("GET /a.jpg?x=1 HTTP/1.1|Host: images.test|User-Agent: FerActors|Accept: image/*", _streams[0].Sent.TrimEnd().Replace("\r\n", "|", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://localhost.test/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[::ffff:a9fe:a9fe]/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://mixed.test/")]
    [InlineData("https://localhost.test/")]
    public async Task A_host_that_is_not_public_is_refused_before_anything_is_connected(string url)
    {
        Resolves("localhost.test", ["127.0.0.1"]);
        Resolves("mixed.test", [Public, "10.0.0.1"]);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => FetchAsync(url));

        Assert.Equal(ApiCodes.InvalidRequest, refusal.Code);
        Assert.Contains("not of the public internet", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(_connected);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://images.test/a.jpg")]
    [InlineData("gopher://images.test/")]
    [InlineData("//images.test/a.jpg")]
    [InlineData("images.test/a.jpg")]
    [InlineData("")]
    [InlineData("http://")]
    [InlineData("http://anna:secret@images.test/")]
    [InlineData("http://images.test:5672/")]
    [InlineData("http://images.test:22/")]
    public async Task What_is_not_a_plain_address_of_the_web_is_refused_before_its_name_is_looked_up(string url)
    {
        var refusal = await Assert.ThrowsAsync<ApiException>(() => FetchAsync(url));

        Assert.Equal(ApiCodes.InvalidRequest, refusal.Code);
        Assert.DoesNotContain("secret", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(_connected);
    }

    [Fact]
    public async Task A_name_that_changes_its_address_between_check_and_use_gains_nothing()
    {
        // Any further question would be answered with this machine.
        Resolves("rebind.test", [Public], ["127.0.0.1"]);
        Answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage");

        await FetchAsync("http://rebind.test/");

        Assert.Equal([Public + ":80"], _connected);
        Assert.Single(_names["rebind.test"]);
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://inside.test/")]
    [InlineData("//inside.test/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://images.test:6379/")]
    [InlineData("http://user@images.test/")]
    public async Task A_redirect_is_checked_as_the_first_address_is(string location)
    {
        Resolves("images.test", [Public], [Public]);
        Resolves("inside.test", ["192.168.0.1"]);
        Answers($"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");

        var refusal = await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://images.test/"));

        Assert.Equal(ApiCodes.InvalidRequest, refusal.Code);
        Assert.Equal([Public + ":80"], _connected);
    }

    [Fact]
    public async Task A_name_that_has_moved_inside_by_the_time_of_its_redirect_is_refused()
    {
        Resolves("rebind.test", [Public], ["127.0.0.1"]);
        Answers("HTTP/1.1 307 Temporary Redirect\r\nLocation: /b.jpg\r\nContent-Length: 0\r\n\r\n");

        await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://rebind.test/a.jpg"));

        Assert.Equal([Public + ":80"], _connected);
    }

    [Fact]
    public async Task Redirects_are_followed_and_end()
    {
        const string again = "HTTP/1.1 301 Moved\r\nLocation: /b.jpg\r\nContent-Length: 0\r\n\r\n";
        Resolves("images.test", Enumerable.Repeat(new[] { Public }, 10).ToArray());
        Answers(again, again, again, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage");
        Assert.Equal("image"u8.ToArray(), (await FetchAsync("http://images.test/")).ToArray());

        Answers(again, again, again, again);
        var refusal = await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://images.test/"));

        Assert.Equal(ApiCodes.FetchFailed, refusal.Code);
        Assert.Contains("more than 3 times", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(8, _connected.Count);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 0)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", 1001)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n", 1024)]
    public async Task More_bytes_than_an_image_may_have_are_refused_as_they_are_announced_or_come(string head, int bytes)
    {
        Resolves("images.test", [Public]);
        Answers(head + new string('x', bytes));

        Assert.Equal(ErrorCodes.TooLarge, (await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://images.test/"))).Code);
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nsecret", "answered 404")]
    [InlineData("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "answered 302")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP")]
    [InlineData("", "cannot be reached")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nim", "")]
    public async Task A_server_that_has_no_image_gets_a_sentence_that_shows_nothing_of_its_answer(string answer, string sentence)
    {
        Resolves("images.test", [Public]);
        Answers(answer);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://images.test/"));

        Assert.Equal(ApiCodes.FetchFailed, refusal.Code);
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SSH", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_an_address_gets_a_sentence() =>
        Assert.Contains(
            "no address", (await Assert.ThrowsAsync<ApiException>(() => FetchAsync("http://nowhere.test/"))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_server_that_goes_silent_is_left_in_time()
    {
        Resolves("images.test", [Public]);
        using var fetcher = new ImageFetcher(
            new ApiOptions { FetchUrls = true, FetchTimeout = TimeSpan.FromMilliseconds(200) },
            Most,
            ResolveAsync,
            (_, _) => Task.FromResult<Stream>(new RecordedStream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nim", silent: true)));

        var refusal = await Assert.ThrowsAsync<ApiException>(() => fetcher.FetchAsync("http://images.test/", CancellationToken.None));

        Assert.Equal(ApiCodes.FetchFailed, refusal.Code);
        Assert.Contains("0.2 s", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_the_options_name_may_be_anywhere_and_on_any_port()
    {
        Resolves("camera.lan", ["192.168.0.7"]);
        Answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage");

        await FetchAsync("http://camera.lan:8000/still.jpg", "*.lan");

        Assert.Equal(["192.168.0.7:8000"], _connected);
    }

    [Fact]
    public async Task Nothing_is_fetched_where_the_option_is_off()
    {
        Resolves("images.test", [Public]);
        using var fetcher = new ImageFetcher(new ApiOptions(), Most, ResolveAsync, ConnectAsync);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => fetcher.FetchAsync("http://images.test/", CancellationToken.None));

        Assert.Contains("Api:FetchUrls", refusal.Message, StringComparison.Ordinal);
        Assert.Single(_names["images.test"]);
    }

    private void Resolves(string name, params string[][] answers) => _names[name] = new Queue<string[]>(answers);

    private void Answers(params string[] answers)
    {
        foreach (var answer in answers)
        {
            _answers.Enqueue(answer);
        }
    }

    private Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellation) => _names.TryGetValue(name, out var answers)
        ? Task.FromResult(answers.Dequeue().Select(IPAddress.Parse).ToArray())
        : throw new SocketException((int)SocketError.HostNotFound);

    private Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellation)
    {
        _connected.Add(address.ToString());
        _streams.Add(new RecordedStream(_answers.Dequeue(), silent: false));
        return Task.FromResult<Stream>(_streams[^1]);
    }

    private async Task<ReadOnlyMemory<byte>> FetchAsync(string url, params string[] hosts)
    {
        using var fetcher = new ImageFetcher(new ApiOptions { FetchUrls = true, FetchHosts = hosts }, Most, ResolveAsync, ConnectAsync);
        return await fetcher.FetchAsync(url, CancellationToken.None);
    }

    /// <summary>A connection to a server that says one thing, and then hangs up or goes silent.</summary>
    private sealed class RecordedStream(string answer, bool silent) : Stream
    {
        private readonly MemoryStream _answer = new(Encoding.ASCII.GetBytes(answer));
        private readonly MemoryStream _sent = new();
        private readonly TaskCompletionSource<int> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Sent => Encoding.ASCII.GetString(_sent.ToArray());

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await _answer.ReadAsync(buffer, cancellationToken);
            return read == 0 && silent && buffer.Length > 0 ? await _closed.Task : read;
        }

        public override int Read(byte[] buffer, int offset, int count) => _answer.Read(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _sent.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override void Write(byte[] buffer, int offset, int count) => _sent.Write(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        // Who gives up a connection closes it, and its reads end, as a socket's do.
        protected override void Dispose(bool disposing)
        {
            _closed.TrySetException(new IOException("The connection was closed."));
            base.Dispose(disposing);
        }
    }
}
