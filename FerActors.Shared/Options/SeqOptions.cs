namespace FerActors.Shared.Options;

/// <summary>Where structured log events go beside the console: a Seq server.</summary>
public sealed record SeqOptions
{
    public const string Section = "Seq";

    /// <summary>Address of the server, such as <c>http://localhost:5341</c>; empty sends nothing.</summary>
    public string ServerUrl { get; init; } = "";

    /// <summary>The server's API key. <see cref="ApiKeyFile"/> is better, since the environment is easily shown.</summary>
    [SecretOption]
    public string? ApiKey { get; init; }

    /// <summary>A file that holds the API key.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>
    /// Start of the names of buffer files, such as <c>/var/lib/feractors/seq</c>: events wait there while the server is down, also over
    /// a restart. Absent buffers in memory only.
    /// </summary>
    public string? BufferPath { get; init; }

    /// <summary>Bytes of the buffer files; what comes then is dropped. 1 MiB to 100 GiB.</summary>
    public long BufferBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Send one event for each result.</summary>
    public bool Results { get; init; } = true;

    /// <summary>Whether events are sent at all.</summary>
    public bool Enabled => ServerUrl.Length > 0;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(
            !Enabled || (Uri.TryCreate(ServerUrl, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)),
            nameof(ServerUrl), ServerUrl, "an http(s) address, or empty");
        errors.Check(ApiKey is null || ApiKeyFile is null, nameof(ApiKeyFile), ApiKeyFile, "absent where ApiKey is given");
        errors.Check(
            BufferBytes is >= 1024 * 1024 and <= 100L * 1024 * 1024 * 1024, nameof(BufferBytes), BufferBytes, "from 1048576 to 107374182400");
        return errors.All;
    }

    // A record would print the key.
    public override string ToString() => $"Seq at {Redaction.Of(ServerUrl)}";
}
