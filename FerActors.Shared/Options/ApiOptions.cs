using System.Net;
using FerActors.Shared.Protocol;

namespace FerActors.Shared.Options;

/// <summary>The HTTP upload API: where it listens, who may use it, and every limit.</summary>
public sealed record ApiOptions
{
    public const string Section = "Api";

    /// <summary>
    /// What a node of the role <c>api</c> listens on, such as <c>http://127.0.0.1:8080</c>, separated by semicolons; port 0 takes any
    /// free one. Empty (the default) listens nowhere: nothing is opened that nobody asked for.
    /// </summary>
    public string Urls { get; init; } = "";

    /// <summary>
    /// What the Open Inference Protocol over gRPC (HTTP/2 without TLS) listens on, such as <c>http://127.0.0.1:8081</c>, as
    /// <see cref="Urls"/>. Empty (the default) listens nowhere.
    /// </summary>
    public string GrpcUrls { get; init; } = "";

    /// <summary>A file with one key a line, <c>NAME:SHA256</c> as <c>fer api-key</c> prints it. It is read again when it changes.</summary>
    public string? KeysFile { get; init; }

    /// <summary>Further keys in the same form, for instance from the environment.</summary>
    [SecretOption]
    public IReadOnlyList<string> KeyHashes { get; init; } = [];

    /// <summary>Answer requests without a key where other machines can reach the API. On loopback alone, no key is needed.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>
    /// Names by which clients call the API, beside IP addresses, <c>localhost</c> and this machine's name: <c>fer.example.org</c>,
    /// <c>*.example.org</c>, or <c>*</c> for any. A request for another name is refused, so that a stranger's page cannot point its own
    /// name at this API.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Origins whose pages may call the API from a browser; none but the API's own page by default.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>
    /// Whether <c>POST /v1/classify</c> fetches an image that the client names by its address (<c>image_url</c>). Off by default: a server
    /// that fetches what strangers name can be used to reach what only the server sees. Only http and https, only hosts whose addresses are
    /// all public.
    /// </summary>
    public bool FetchUrls { get; init; }

    /// <summary>
    /// Hosts whose images may be fetched from any address and port, private ones too: <c>images.example.org</c>, <c>*.example.org</c>.
    /// </summary>
    public IReadOnlyList<string> FetchHosts { get; init; } = [];

    /// <summary>Longest time to fetch one image, its redirects included, before the answer is 502.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The name under which the Open Inference Protocol knows the model.</summary>
    public string ModelName { get; init; } = "fer";

    /// <summary>Longest wait for a result before the answer is 504; the image expires then in the queue too.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time for a whole body to arrive before the answer is 408.</summary>
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Bytes a second that a body must bring on average after its first 3 seconds before the answer is 408; 0 is no limit.</summary>
    public int MinBodyBytesPerSecond { get; init; } = 4096;

    /// <summary>
    /// Requests that are read or wait for a result at once; each may hold one image in memory. They are shared among callers (keys, or
    /// addresses without one): none may hold more than are free, so that one alone has half of them. Further ones wait their turn.
    /// </summary>
    public int MaxConcurrentRequests { get; init; } = 64;

    /// <summary>Requests of one caller that may wait for their turn; further ones get 503.</summary>
    public int MaxQueuedPerCaller { get; init; } = 32;

    /// <summary>Longest wait for a turn before the answer is 503.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests a second of one key (or address, without one) over time; 0 is no limit. Further ones get 429.</summary>
    public int RatePerSecond { get; init; } = 20;

    /// <summary>Requests of one key that may come at once.</summary>
    public int RateBurst { get; init; } = 40;

    /// <summary>Images of one batch.</summary>
    public int MaxBatchImages { get; init; } = 64;

    /// <summary>Bytes of one batch's body.</summary>
    public int MaxBatchBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Batches whose results are kept, the unfinished ones among them. Further ones get 503.</summary>
    public int MaxBatches { get; init; } = 100;

    /// <summary>Bytes of images of all batches that wait to be published.</summary>
    public long MaxWaitingBatchBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Images of all batches that are on their way at once.</summary>
    public int BatchParallelism { get; init; } = 16;

    /// <summary>How long a batch is kept after it was taken, finished or not.</summary>
    public TimeSpan BatchLifetime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Results (without pictures) that are remembered, so that feedback on them needs only their id; 0 remembers none.</summary>
    public int RememberedResults { get; init; } = 10_000;

    /// <summary>Whether the API listens at all.</summary>
    public bool Enabled => Addresses.Count > 0 || GrpcAddresses.Count > 0;

    /// <summary>The single addresses of <see cref="Urls"/>.</summary>
    public IReadOnlyList<string> Addresses => Split(Urls);

    /// <summary>The single addresses of <see cref="GrpcUrls"/>.</summary>
    public IReadOnlyList<string> GrpcAddresses => Split(GrpcUrls);

    /// <summary>Whether every request needs a key.</summary>
    public bool NeedsKey => KeysFile is not null || KeyHashes.Count > 0;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        Listens(errors, nameof(Urls), Urls, Addresses);
        Listens(errors, nameof(GrpcUrls), GrpcUrls, GrpcAddresses);

        // A key is never shown: the mistake may be that it stands here instead of its hash.
        errors.Check(
            KeyHashes.All(key => ApiKeyLine.TryParse(key, out _)), nameof(KeyHashes), "(not shown)", "lines NAME:SHA256 as fer api-key prints them");
        HostPattern.Check(errors, nameof(AllowedHosts), AllowedHosts);
        HostPattern.Check(errors, nameof(FetchHosts), FetchHosts);
        errors.Check(!FetchHosts.Contains("*"), nameof(FetchHosts), "*", "names of hosts; with * the check of addresses would be off");
        Within(errors, nameof(FetchTimeout), FetchTimeout, TimeSpan.FromMinutes(10));
        foreach (var origin in CorsOrigins)
        {
            errors.Check(IsOrigin(origin), nameof(CorsOrigins), origin, "an origin such as https://example.org, without a path");
        }

        errors.Check(
            ModelName.Length is > 0 and <= 64 && ModelName.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'),
            nameof(ModelName), ModelName, "1 to 64 letters, digits, '-', '_' or '.'");
        Within(errors, nameof(RequestTimeout), RequestTimeout, TimeSpan.FromMinutes(10));
        Within(errors, nameof(BodyTimeout), BodyTimeout, TimeSpan.FromMinutes(10));
        Within(errors, nameof(QueueTimeout), QueueTimeout, TimeSpan.FromMinutes(10));
        errors.Check(
            MinBodyBytesPerSecond is >= 0 and <= 1 << 30, nameof(MinBodyBytesPerSecond), MinBodyBytesPerSecond, "from 0 to 1073741824");
        errors.Check(MaxQueuedPerCaller is >= 0 and <= 10_000, nameof(MaxQueuedPerCaller), MaxQueuedPerCaller, "from 0 to 10000");
        Within(errors, nameof(BatchLifetime), BatchLifetime, TimeSpan.FromDays(1));
        errors.Check(MaxConcurrentRequests is >= 1 and <= 10_000, nameof(MaxConcurrentRequests), MaxConcurrentRequests, "from 1 to 10000");
        errors.Check(RatePerSecond is >= 0 and <= 1_000_000, nameof(RatePerSecond), RatePerSecond, "from 0 to 1000000");
        errors.Check(RateBurst is >= 1 and <= 1_000_000, nameof(RateBurst), RateBurst, "from 1 to 1000000");
        errors.Check(MaxBatchImages is >= 1 and <= 10_000, nameof(MaxBatchImages), MaxBatchImages, "from 1 to 10000");
        errors.Check(MaxBatchBytes is >= 1 and <= 1 << 30, nameof(MaxBatchBytes), MaxBatchBytes, "from 1 to 1073741824");
        errors.Check(MaxBatches is >= 1 and <= 100_000, nameof(MaxBatches), MaxBatches, "from 1 to 100000");
        errors.Check(MaxWaitingBatchBytes >= MaxBatchBytes, nameof(MaxWaitingBatchBytes), MaxWaitingBatchBytes, "at least MaxBatchBytes");
        errors.Check(BatchParallelism is >= 1 and <= 1000, nameof(BatchParallelism), BatchParallelism, "from 1 to 1000");
        errors.Check(RememberedResults is >= 0 and <= 1_000_000, nameof(RememberedResults), RememberedResults, "from 0 to 1000000");
        return errors.All;
    }

    private static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private void Listens(OptionErrors errors, string name, string value, IReadOnlyList<string> addresses)
    {
        foreach (var url in addresses)
        {
            errors.Check(IsUrl(url), name, url, "http://ADDRESS:PORT; TLS is the business of a proxy before it");
        }

        errors.Check(
            NeedsKey || AllowAnonymous || addresses.Where(IsUrl).All(IsLoopback),
            name,
            value,
            "on loopback where no key is set; set Api:KeysFile or Api:KeyHashes, or Api:AllowAnonymous to true");
    }

    private static void Within(OptionErrors errors, string name, TimeSpan value, TimeSpan most) =>
        errors.Check(value >= TimeSpan.FromMilliseconds(100) && value <= most, name, value, $"from 0.1 s to {most}");

    private static bool IsUrl(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed)
        && parsed.Scheme == Uri.UriSchemeHttp
        && parsed.PathAndQuery == "/"
        && parsed.UserInfo.Length == 0
        && IPAddress.TryParse(parsed.DnsSafeHost, out _);

    private static bool IsLoopback(string url) => IPAddress.IsLoopback(IPAddress.Parse(new Uri(url).DnsSafeHost));

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var parsed)
        && (parsed.Scheme == Uri.UriSchemeHttp || parsed.Scheme == Uri.UriSchemeHttps)
        && parsed.GetLeftPart(UriPartial.Authority) == origin;
}
