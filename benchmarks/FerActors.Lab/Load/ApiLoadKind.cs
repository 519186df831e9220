using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace FerActors.Lab.Load;

/// <summary>A kind of request that a load on the API is mixed of.</summary>
/// <param name="Name">Its name, for <c>--mix</c> and the table.</param>
/// <param name="Weight">Its share of the usual mixture, relative to the others.</param>
/// <param name="Expected">The status that it must get.</param>
/// <param name="SendAsync">Sends one and gives the status; 0 where the connection ended without one.</param>
internal sealed record ApiLoadKind(string Name, int Weight, int Expected, Func<ApiLoadTarget, int, CancellationToken, Task<int>> SendAsync)
{
    private const int BombSide = 30_000;
    private const int SlowAnnounced = 1 << 10;

    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(200);

    /// <summary>Good pictures, and what an attacker or a careless client would send.</summary>
    public static IReadOnlyList<ApiLoadKind> All { get; } =
    [
        new("good", 70, 200, (target, turn, stop) => target.PostAsync(target.Picture(turn), stop)),
        new("path-name", 4, 200, (target, turn, stop) => target.PostFormAsync(target.Picture(turn), "../../../../etc/passwd", stop)),
        new("bomb", 4, 413, (target, _, stop) => target.PostAsync(Bomb(), stop)),
        new("oversize", 4, 413, (target, _, stop) => target.PostAsync(new byte[target.MaxBytes + 1], stop)),
        new("text", 4, 415, (target, _, stop) => target.PostAsync("I am not a picture."u8.ToArray(), stop)),
        new("truncated", 4, 422, (target, _, stop) => target.PostAsync(Truncated(target), stop)),
        new("empty", 4, 400, (target, _, stop) => target.PostAsync([], stop)),
        new("slow", 1, 408, SlowAsync),
    ];

    /// <summary>A PNG of 33 bytes whose header announces 900 million pixels.</summary>
    private static byte[] Bomb()
    {
        var png = new byte[33];
        ((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]).CopyTo(png);
        "IHDR"u8.CopyTo(png.AsSpan(12));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), BombSide);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), BombSide);
        png[24] = 8;
        png[25] = 2;
        return png;
    }

    private static byte[] Truncated(ApiLoadTarget target)
    {
        var jpeg = target.Jpeg;
        return jpeg[..(jpeg.Length / 2)];
    }

    // A socket of its own, since a client library would not show an answer that comes before the body is sent.
    private static async Task<int> SlowAsync(ApiLoadTarget target, int turn, CancellationToken stop)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(target.Address.DnsSafeHost, target.Address.Port, stop);
        var stream = client.GetStream();
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/classify HTTP/1.1\r\nHost: {target.Address.Authority}\r\nContent-Type: image/jpeg\r\nContent-Length: {SlowAnnounced}\r\n{target.KeyLine}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), stop);
        var answer = ReadStatusAsync(stream, stop);
        try
        {
            while (!answer.IsCompleted)
            {
                await stream.WriteAsync(new byte[] { 0xFF }, stop);
                await Task.WhenAny(answer, Task.Delay(Drip, stop));
            }
        }
        catch (IOException)
        {
            // The server does not want the rest; what it said before it closed may still be read.
        }

        return await answer;
    }

    private static async Task<int> ReadStatusAsync(NetworkStream stream, CancellationToken stop)
    {
        var line = new byte["HTTP/1.1 408".Length];
        try
        {
            await stream.ReadExactlyAsync(line, stop);
            return int.Parse(line.AsSpan(line.Length - 3), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            return 0;
        }
    }
}

/// <summary>The API under load.</summary>
/// <param name="client">Sends to it.</param>
/// <param name="address">Where it listens; plain HTTP.</param>
/// <param name="pictures">Good pictures, at least one.</param>
/// <param name="jpeg">A good JPEG, of which a part is sent.</param>
/// <param name="maxBytes">Largest image that it takes.</param>
/// <param name="key">An API key.</param>
internal sealed class ApiLoadTarget(HttpClient client, Uri address, IReadOnlyList<byte[]> pictures, byte[] jpeg, int maxBytes, string? key)
{
    private const string Path = "/v1/classify";

    public Uri Address => address;

    public int MaxBytes => maxBytes;

    public byte[] Jpeg => jpeg;

    /// <summary>The header line of the key, its end included; empty without one.</summary>
    public string KeyLine => key is null ? "" : $"X-Api-Key: {key}\r\n";

    public byte[] Picture(int turn) => pictures[turn % pictures.Count];

    public Task<int> PostAsync(byte[] body, CancellationToken stop)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return SendAsync(content, stop);
    }

    public Task<int> PostFormAsync(byte[] body, string fileName, CancellationToken stop)
    {
        var part = new ByteArrayContent(body);
        part.Headers.TryAddWithoutValidation("Content-Disposition", $"form-data; name=\"image\"; filename=\"{fileName}\"");
        return SendAsync(new MultipartContent("form-data") { part }, stop);
    }

    private async Task<int> SendAsync(HttpContent content, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, Path)) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("X-Api-Key", key);
        }

        try
        {
            using var response = await client.SendAsync(request, stop);
            await response.Content.CopyToAsync(Stream.Null, stop);
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }
}
