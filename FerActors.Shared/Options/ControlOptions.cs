using System.Net;
using System.Text;
using FerActors.Shared.Files;

namespace FerActors.Shared.Options;

/// <summary>Where operators talk to this node. By default a Unix domain socket that only the node's own user may open.</summary>
public sealed record ControlOptions
{
    public const string Section = "Control";

    /// <summary>Characters that a token has at least.</summary>
    public const int MinTokenLength = 16;

    // sockaddr_un holds 108 bytes with the final zero.
    private const int MaxSocketBytes = 107;

    public bool Enabled { get; init; } = true;

    /// <summary>The socket's file, made with mode 0600; empty for none.</summary>
    public string Socket { get; init; } = "data/control.sock";

    /// <summary>A TCP port beside it, 0 for any free one; absent for none. Every request to it must carry the token.</summary>
    public int? Port { get; init; }

    /// <summary>The IP address of that port. Requests are not encrypted: beyond loopback they belong into a network of their own.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>Names by which that port is called, beside IP addresses, <c>localhost</c> and this machine's name; see <see cref="ApiOptions.AllowedHosts"/>.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>The token, at least 16 characters; for the environment (<c>FER_Control__Token</c>), never for a shared file.</summary>
    [SecretOption]
    public string? Token { get; init; }

    /// <summary>A file that holds the token, for mounted secrets; white space around it is ignored. It is read at the start.</summary>
    public string? TokenFile { get; init; }

    /// <summary>
    /// The port for pbm, in a build with Petabridge.Cmd; absent for none. It knows no authentication: whoever reaches it may do
    /// everything.
    /// </summary>
    public int? PbmPort { get; init; } = 9110;

    /// <summary>The IP address of that port, a loopback one.</summary>
    public string PbmAddress { get; init; } = "127.0.0.1";

    /// <summary>How long an actor may take to answer.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it may take where it hashes or copies a whole version first.</summary>
    public TimeSpan WorkTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>All mistakes at once, each a sentence without any part of the token; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(
            Socket.Length == 0 || Encoding.UTF8.GetByteCount(Path.GetFullPath(Socket)) <= MaxSocketBytes,
            nameof(Socket),
            Socket,
            $"a path of at most {MaxSocketBytes} bytes from the root, which is the system's limit");
        errors.Check(Port is null or (>= 0 and <= 65_535), nameof(Port), Port, "from 0 to 65535, or absent");
        errors.Check(IPAddress.TryParse(Address, out _), nameof(Address), Address, "an IP address");
        HostPattern.Check(errors, nameof(AllowedHosts), AllowedHosts);
        errors.Check(PbmPort is null or (>= 1 and <= 65_535), nameof(PbmPort), PbmPort, "from 1 to 65535, or absent");
        errors.Check(
            IPAddress.TryParse(PbmAddress, out var pbm) && IPAddress.IsLoopback(pbm),
            nameof(PbmAddress),
            PbmAddress,
            "a loopback address: pbm knows no authentication");
        errors.Check(Token is null || TokenFile is null, nameof(TokenFile), TokenFile, "absent where Token is given");
        errors.Check(Token is null || IsToken(Token), nameof(Token), "(not shown)", TokenForm);
        errors.Check(TokenFile is null || File.Exists(TokenFile), nameof(TokenFile), TokenFile, "a file that exists");
        errors.Check(
            !Enabled || Port is null || Token is not null || TokenFile is not null,
            nameof(Port),
            Port,
            "absent where there is no Token and no TokenFile: anyone on the machine can open a port");
        errors.Check(
            !Enabled || Socket.Length > 0 || Port is not null,
            nameof(Socket),
            Socket,
            "given where there is no Port; set Control:Enabled to false for a node without an endpoint");
        Positive(errors, nameof(AnswerTimeout), AnswerTimeout);
        Positive(errors, nameof(WorkTimeout), WorkTimeout);
        return errors.All;
    }

    /// <summary>The token in force; <see langword="null"/> where none is given.</summary>
    /// <exception cref="FormatException">It is too short; the message does not show it.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string? ReadToken()
    {
        var token = TokenFile is null ? Token : RegularFile.ReadAllText(TokenFile).Trim();
        return token is null || IsToken(token)
            ? token
            : throw new FormatException($"{Section}: the token must be {TokenForm}.");
    }

    /// <summary>For logs and people: without the token.</summary>
    public override string ToString() => $"{(Socket.Length == 0 ? "no socket" : Socket)}{(Port is null ? "" : $", {Address}:{Port}")}";

    private static string TokenForm => $"at least {MinTokenLength} printable ASCII characters without spaces";

    // What an HTTP header can carry.
    private static bool IsToken(string text) => text.Length >= MinTokenLength && text.All(c => c is > ' ' and <= '~');

    private static void Positive(OptionErrors errors, string name, TimeSpan value) =>
        errors.Check(value > TimeSpan.Zero && value <= TimeSpan.FromHours(1), name, value, "above zero and at most an hour");
}
