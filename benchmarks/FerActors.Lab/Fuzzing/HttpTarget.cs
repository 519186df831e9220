using System.Net;
using System.Net.Http.Headers;
using Akka.Actor;
using FerActors.Host.Http;
using FerActors.Host.Http.Gateway;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace FerActors.Lab.Fuzzing;

/// <summary>
/// Bodies for the real web server of the API on loopback. Behind it stands an actor that answers every image, so that all that reads
/// a body is in the way and no broker is.
/// </summary>
internal static class HttpTarget
{
    private static readonly (string Path, string Type)[] Requests =
    [
        ("/v1/classify", "application/octet-stream"),
        ("/v1/classify?faces=largest", "multipart/form-data; boundary=fer"),
        ("/v2/models/fer/infer", "application/json"),
        ("/v1/batches", "multipart/form-data; boundary=fer"),
    ];

    public static FuzzTarget Create(string name)
    {
        // Started with the first input: the process that only listens needs none.
        var client = new Lazy<HttpClient>(Start);
        return new FuzzTarget(
            name, "bodies of HTTP requests", "a status of 400 to 499, or 503", FuzzSeeds.Bodies(), bytes => Post(client.Value, bytes), _ => false);
    }

    private static HttpClient Start()
    {
        var system = ActorSystem.Create("fuzz", "akka.loglevel = OFF, akka.stdout-loglevel = OFF");
        var gateway = system.ActorOf(Props.Create(() => new Answering()));
        var options = new FerOptions { Api = new ApiOptions { RatePerSecond = 0, Urls = "http://127.0.0.1:0" } };
        var server = new ApiServer(options, () => gateway, NullLoggerFactory.Instance);
        server.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        return new HttpClient { BaseAddress = server.Addresses[0] };
    }

    private static bool Post(HttpClient client, byte[] bytes)
    {
        var (path, type) = Requests[bytes.Length == 0 ? 0 : bytes[0] % Requests.Length];
        using var content = new ByteArrayContent(bytes.Length == 0 ? bytes : bytes[1..]);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        using var response = client.Send(request);
        return response.StatusCode switch
        {
            < HttpStatusCode.BadRequest => true,

            // Batches wait for their results to be fetched, and there is a bound on them.
            < HttpStatusCode.InternalServerError or HttpStatusCode.ServiceUnavailable => false,
            var status => throw new HttpRequestException($"{path} answered {(int)status}."),
        };
    }

    private sealed class Answering : ReceiveActor
    {
        public Answering() => Receive<ClassifyRemotely>(asked =>
        {
            var result = new ClassificationResult
            {
                MessageId = asked.MessageId,
                Node = "fuzz",
                Image = new ImageInfo(12, 12, "png"),
                Faces =
                [
                    new FaceResult(
                        new FaceBox(0, 0, 12, 12), null, 0, 0.9, Expression.Happy, nameof(Expression.Happy), 1,
                        [.. ExpressionNames.All.Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 1 : 0))]),
                ],
            };
            Sender.Tell(new GatewayAnswer.Answered(result, ResultJson.Serialize(result)));
        });
    }
}
