using System.Globalization;
using FerActors.Shared.Files;

namespace FerActors.Training.Hub;

/// <summary>Where the Hub is, where its files are kept, and how patient its client is. Environment variables are those of Hugging Face's own tools.</summary>
public sealed record HubOptions
{
    /// <summary>The Hub's address (<c>HF_ENDPOINT</c>).</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The token (<c>HF_TOKEN</c>, else the file <c>$HF_HOME/token</c>), or <see langword="null"/>. Sent to <see cref="Endpoint"/> only.</summary>
    public HubToken? Token { get; init; }

    /// <summary>The cache, shared with Python tools: <c>HF_HUB_CACHE</c>, else <c>$HF_HOME/hub</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Never asks the network (<c>HF_HUB_OFFLINE</c>).</summary>
    public bool Offline { get; init; }

    /// <summary>Longest wait for an answer's headers (<c>HF_HUB_ETAG_TIMEOUT</c>, seconds).</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest silence within a body (<c>HF_HUB_DOWNLOAD_TIMEOUT</c>, seconds).</summary>
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Failures in a row before a file is given up; an attempt that brought a whole mebibyte starts the count anew.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Base wait after the first failure; it doubles.</summary>
    public TimeSpan MinWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait between attempts; bounds the server's Retry-After too.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Largest weights file in bytes; what the server announces beyond it is refused before the first byte.</summary>
    public long MaxFileBytes { get; init; } = 32L << 30;

    /// <summary>Reads Hugging Face's environment variables.</summary>
    /// <exception cref="HubException">A variable's value cannot be used; the message names the variable and never quotes a token.</exception>
    public static HubOptions FromEnvironment() => FromEnvironment(
        Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    internal static HubOptions FromEnvironment(Func<string, string?> variable, string userFolder)
    {
        string? Get(string name) => variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value : null;
        string Expand(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? userFolder + path[1..] : path;

        var home = Expand(Get("HF_HOME") ?? Path.Combine(Get("XDG_CACHE_HOME") ?? Path.Combine(userFolder, ".cache"), "huggingface"));
        var cache = Expand(Get("HF_HUB_CACHE") ?? Get("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub"));
        return new HubOptions
        {
            Endpoint = Get("HF_ENDPOINT") is { } endpoint ? ParseEndpoint(endpoint) : new Uri("https://huggingface.co"),
            Token = HubToken.Create(Get("HF_TOKEN") ?? Get("HUGGING_FACE_HUB_TOKEN")) ?? ReadToken(Expand(Get("HF_TOKEN_PATH") ?? Path.Combine(home, "token"))),
            CacheFolder = Path.GetFullPath(cache),
            Offline = IsTrue(Get("HF_HUB_OFFLINE")) || IsTrue(Get("TRANSFORMERS_OFFLINE")),
            AnswerTimeout = Seconds("HF_HUB_ETAG_TIMEOUT", Get("HF_HUB_ETAG_TIMEOUT")),
            BodyTimeout = Seconds("HF_HUB_DOWNLOAD_TIMEOUT", Get("HF_HUB_DOWNLOAD_TIMEOUT")),
        };
    }

    private static Uri ParseEndpoint(string text)
    {
        // A user and password in the address would be shown wherever the address is.
        if (Uri.TryCreate(text.Trim().TrimEnd('/'), UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0)
        {
            return uri;
        }

        throw HubException.Invalid("HF_ENDPOINT has to be an http or https address without user, password or query; a token belongs in HF_TOKEN.");
    }

    private static HubToken? ReadToken(string path)
    {
        const int longest = 4096;
        try
        {
            var file = new FileInfo(path);
            return file.Exists && file.Length <= longest ? HubToken.Create(RegularFile.ReadAllText(path)) : null;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not HubException))
        {
            throw new HubException(HubFailure.Invalid, $"The Hub's token file '{path}' cannot be read: {e.Message}", e);
        }
    }

    private static TimeSpan Seconds(string name, string? text)
    {
        if (text is null)
        {
            return TimeSpan.FromSeconds(10);
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw HubException.Invalid($"{name} has to be a number of seconds above 0.");
    }

    private static bool IsTrue(string? text) => text?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";
}
