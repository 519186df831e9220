using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FerActors.Host.Operator;

namespace FerActors.Host.Tests.Operator;

/// <summary>A real Kestrel on a socket and on a port of this machine.</summary>
public sealed class ControlServerSpecs : IDisposable
{
    private const string Token = "0123456789abcdef-token";
    private const string Show = """{"operation":"cluster.show"}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-control-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task The_socket_is_its_owners_alone_and_goes_with_the_node()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no file modes.");
        string socket;
        await using (var node = await OperatorNode.StartAsync(_folder))
        {
            socket = node.Socket;
            var mode = OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(socket);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode);
            Assert.Null(node.Server.TcpAddress);
            var (status, reply) = await PostAsync(Http(socket), Show);
            Assert.Equal((HttpStatusCode.OK, OperatorOutcome.Done), (status, reply.Outcome));
        }

        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task A_second_node_leaves_the_first_ones_socket_alone_and_a_dead_ones_is_taken_over()
    {
        var path = Path.Combine(_folder, "own.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Renamed, it is not removed with its socket, as after a kill.
            dead.Bind(new UnixDomainSocketEndPoint(path + ".dead"));
            File.Move(path + ".dead", path);
        }

        Assert.True(File.Exists(path));
        await using var first = await OperatorNode.StartAsync(NewFolder("1"), o => o with { Socket = path });
        await using (await OperatorNode.StartAsync(NewFolder("2"), o => o with { Socket = path }))
        {
            await AssertAnswersAsync(first, path);
        }

        await AssertAnswersAsync(first, path);
    }

    [Fact]
    public async Task A_port_answers_whoever_has_the_token_and_nobody_else()
    {
        await using var node = await OperatorNode.StartAsync(_folder, o => o with { Port = 0, Token = Token });
        var address = node.Server.TcpAddress!;
        using var http = new HttpClient { BaseAddress = address };

        var without = await PostAsync(http, Show);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token[..^1]);
        var wrong = await PostAsync(http, Show);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Token);
        var otherScheme = await PostAsync(http, Show);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        var right = await PostAsync(http, Show);
        using var socket = Http(node.Socket);
        var local = await PostAsync(socket, Show);

        Assert.True(IPAddress.IsLoopback(IPAddress.Parse(address.Host)));
        Assert.All([without, wrong, otherScheme], r => Assert.Equal(
            (HttpStatusCode.Unauthorized, "The token is missing or wrong."), (r.Status, r.Reply.Message)));
        Assert.All([right, local], r => Assert.Equal(HttpStatusCode.OK, r.Status));
    }

    [Fact]
    public async Task A_node_whose_port_is_taken_goes_on_without_an_endpoint()
    {
        await using var first = await OperatorNode.StartAsync(NewFolder("1"), o => o with { Port = 0, Token = Token });
        var port = first.Server.TcpAddress!.Port;

        await using var second = await OperatorNode.StartAsync(NewFolder("2"), o => o with { Port = port, Token = Token });

        Assert.Null(second.Server.TcpAddress);
        Assert.False(File.Exists(second.Socket));
        Assert.Equal(OperatorOutcome.Done, (await second.Operators.ExecuteAsync(new ClusterRequests.Show())).Outcome);
    }

    [Fact]
    public async Task Every_outcome_has_a_status_and_a_sentence_in_JSON()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        using var http = Http(node.Socket);

        var notFound = await PostAsync(http, """{"operation":"model.describe","version":"v9"}""");
        var refused = await PostAsync(http, """{"operation":"model.rollback","reason":"why not"}""");
        var badName = await PostAsync(http, """{"operation":"model.describe","version":"../v9"}""");
        var misspelt = await PostAsync(http, """{"operation":"model.promote","version":"v1","froce":true}""");
        var tooLarge = await PostAsync(http, new string(' ', 200_000));
        using var elsewhere = await http.GetAsync(new Uri("/v1/operations", UriKind.Relative));

        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (notFound.Status, notFound.Reply.Code));
        Assert.Equal((HttpStatusCode.Conflict, "refused"), (refused.Status, refused.Reply.Code));
        Assert.All(
            [badName, misspelt], r => Assert.Equal((HttpStatusCode.BadRequest, OperatorOutcome.Invalid), (r.Status, r.Reply.Outcome)));
        Assert.Contains("froce", misspelt.Reply.Message, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, OperatorOutcome.Invalid), (tooLarge.Status, tooLarge.Reply.Outcome));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, elsewhere.StatusCode);
    }

    [Fact]
    public async Task A_client_that_sends_everything_before_it_reads_sees_why_it_was_refused()
    {
        await using var node = await OperatorNode.StartAsync(_folder, o => o with { Port = 0, Token = Token });
        var address = node.Server.TcpAddress!;
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port);
        await using var stream = client.GetStream();
        var body = new byte[8 * 1024 * 1024];

        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/operations HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer {Token}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n"));
        await stream.WriteAsync(body);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync().WaitAsync(OperatorNode.Patience);

        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("The request has more than 131072 bytes.", answer, StringComparison.Ordinal);
    }

    private static async Task AssertAnswersAsync(OperatorNode expected, string socket)
    {
        using var http = Http(socket);
        var (_, reply) = await PostAsync(http, Show);
        var self = Assert.IsType<ClusterView>(reply.View).Self;
        Assert.Equal(Akka.Cluster.Cluster.Get(expected.System).SelfAddress.ToString(), self);
    }

    private static HttpClient Http(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://node/"),
    };

    private static async Task<(HttpStatusCode Status, OperatorReply Reply)> PostAsync(HttpClient http, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(ControlServer.Route, UriKind.Relative)) { Content = content };
        request.Headers.ExpectContinue = true;
        using var response = await http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonSerializer.Deserialize<OperatorReply>(body, OperatorJson.Replies)!);
    }

    private string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
}
