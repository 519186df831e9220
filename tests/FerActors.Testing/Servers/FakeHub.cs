using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FerActors.Testing.Servers;

/// <summary>
/// Behaves like the Hub: small files come from itself with a git hash as their ETag; large ones are redirected to another port, a host
/// of its own to a client, which knows parts and its own ETags.
/// </summary>
public sealed class FakeHub : IAsyncDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly Dictionary<string, (byte[] Bytes, bool Large)> _files = [];
    private LocalServer _hub = null!;
    private LocalServer _store = null!;

    public string Repository { get; init; } = "acme/face-vit";

    public string Branch { get; init; } = "main";

    /// <summary>Where set, who has no such token is refused with 401.</summary>
    public string? RequiredToken { get; init; }

    /// <summary>Looks at each request first; answers it where it returns true.</summary>
    public Func<HttpContext, Task<bool>>? AtHub { get; set; }

    /// <summary>Likewise for the store of large files.</summary>
    public Func<HttpContext, Task<bool>>? AtStore { get; set; }

    public ConcurrentQueue<Seen> Requests { get; } = [];

    public Uri Address => _hub.Address;

    public IEnumerable<Seen> StoreGets => Requests.Where(r => r.AtStore && r.Method == "GET");

    public static async Task<FakeHub> StartAsync(FakeHub? hub = null)
    {
        hub ??= new FakeHub();
        hub._store = await LocalServer.StartAsync(hub.Store);
        hub._hub = await LocalServer.StartAsync(hub.Answer);
        return hub;
    }

#pragma warning disable CA5350 // It is what git and the Hub use.
    public static string GitHash(byte[] bytes) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));
#pragma warning restore CA5350

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public FakeHub With(string name, byte[] bytes, bool large = false)
    {
        _files[name] = (bytes, large);
        return this;
    }

    public FakeHub With(string name, string text) => With(name, Encoding.UTF8.GetBytes(text));

    public FakeHub Without(string name)
    {
        _files.Remove(name);
        return this;
    }

    /// <summary>A repository with two small files and weights of <paramref name="size"/> bytes.</summary>
    public FakeHub WithModel(int size, out byte[] weights)
    {
        weights = new byte[size];
        new Random(5).NextBytes(weights);
        return With("config.json", "{}").With("preprocessor_config.json", "{ }").With("model.safetensors", weights, large: true);
    }

    /// <summary>Sends a part, as the request asks, but breaks the connection off after <paramref name="bytes"/> bytes.</summary>
    public static async Task TruncateAsync(HttpContext context, byte[] whole, int bytes)
    {
        var from = From(context) ?? 0;
        Head(context, whole, from);
        await context.Response.Body.WriteAsync(whole.AsMemory((int)from, bytes));
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static long? From(HttpContext context) =>
        context.Request.GetTypedHeaders().Range?.Ranges.Single().From;

    private static void Head(HttpContext context, byte[] whole, long from)
    {
        context.Response.StatusCode = from > 0 ? 206 : 200;
        context.Response.ContentLength = whole.Length - from;
        context.Response.Headers.ETag = StoreTag(whole);
        if (from > 0)
        {
            context.Response.GetTypedHeaders().ContentRange = new ContentRangeHeaderValue(from, whole.Length - 1, whole.Length);
        }
    }

    private static string StoreTag(byte[] bytes) => $"\"store-{bytes.Length}\"";

    private async Task Answer(HttpContext context)
    {
        Record(context, atStore: false);
        if (AtHub is { } first && await first(context))
        {
            return;
        }

        var parts = context.Request.Path.Value!.Trim('/').Split('/');
        if (RequiredToken is { } token && context.Request.Headers.Authorization != $"Bearer {token}")
        {
            Refuse(context, 401, "GatedRepo");
        }
        else if (parts.Length != 5 || $"{parts[0]}/{parts[1]}" != Repository)
        {
            Refuse(context, 404, "RepoNotFound");
        }
        else if (parts[3] != Commit && Uri.UnescapeDataString(parts[3]) != Branch)
        {
            Refuse(context, 404, "RevisionNotFound");
        }
        else if (!_files.TryGetValue(parts[4], out var file))
        {
            Refuse(context, 404, "EntryNotFound");
        }
        else
        {
            context.Response.Headers["X-Repo-Commit"] = Commit;
            if (file.Large)
            {
                context.Response.StatusCode = 302;
                context.Response.Headers["X-Linked-Etag"] = $"\"{Sha256(file.Bytes)}\"";
                context.Response.Headers["X-Linked-Size"] = file.Bytes.Length.ToString(CultureInfo.InvariantCulture);
                context.Response.Headers.Location = new Uri(_store.Address, $"blob/{parts[4]}?Signature=signed-secret").AbsoluteUri;
                return;
            }

            context.Response.Headers.ETag = $"\"{GitHash(file.Bytes)}\"";
            context.Response.ContentLength = file.Bytes.Length;
            if (context.Request.Method == "GET")
            {
                await context.Response.Body.WriteAsync(file.Bytes);
            }
        }
    }

    private async Task Store(HttpContext context)
    {
        Record(context, atStore: true);
        if (AtStore is { } first && await first(context))
        {
            return;
        }

        var bytes = _files[context.Request.Path.Value!.Split('/')[^1]].Bytes;
        var from = From(context) ?? 0;
        if (context.Request.Headers.IfRange is { Count: > 0 } condition && condition != StoreTag(bytes))
        {
            from = 0;
        }

        Head(context, bytes, from);
        await context.Response.Body.WriteAsync(bytes.AsMemory((int)from));
    }

    private static void Refuse(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
    }

    private void Record(HttpContext context, bool atStore) => Requests.Enqueue(new Seen(
        atStore,
        context.Request.Method,
        context.Request.Path.Value!,
        context.Request.Headers.Authorization.ToString(),
        context.Request.Headers.Range.ToString(),
        context.Request.Headers.IfRange.ToString()));

    public sealed record Seen(bool AtStore, string Method, string Path, string Authorization, string Range, string IfRange);
}
