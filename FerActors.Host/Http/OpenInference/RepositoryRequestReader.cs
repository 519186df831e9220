using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// Reads the bodies of the repository's requests. tritonclient's <c>load_model</c> can send a configuration and nothing else, so that the
/// version may also stand among the parameters of that configuration, as <c>{"parameters": {"version": {"string_value": "v2"}}}</c>.
/// </summary>
internal static class RepositoryRequestReader
{
    private const string Files = "file:";

    /// <summary>Why model files are refused.</summary>
    public const string NoFiles = "model files are not taken over the network; an operator registers a version with fer model register";

    /// <summary>Reads the body of a load or an unload.</summary>
    public static RepositoryChange ReadChange(ReadOnlyMemory<byte> body) => Parse(body, request =>
    {
        if (request.Object("parameters") is not { } parameters)
        {
            return new RepositoryChange(null, null, null);
        }

        if (parameters.Value.EnumerateObject().Any(member => member.Name.StartsWith(Files, StringComparison.Ordinal)))
        {
            throw JsonMember.Invalid(NoFiles);
        }

        return Change(parameters, parameters.Text("config") is { } config ? Configured(config) : null);
    });

    /// <summary>Whether the body of an index asks for the versions that answer alone.</summary>
    public static bool ReadReadyOnly(ReadOnlyMemory<byte> body) => Parse(body, request => request.Member("ready")?.Truth() ?? false);

    /// <summary>What the parameters of a request or of its configuration say.</summary>
    /// <param name="value">A parameter's text by its name.</param>
    public static RepositoryChange Change(Func<string, string?> value) => new(value("version"), value("role"), value("share") switch
    {
        null => null,
        var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) => share,
        _ => throw JsonMember.Invalid("the share is not a number"),
    });

    /// <summary>The parameters of a configuration in Triton's form.</summary>
    public static RepositoryChange Configured(string config) => Parse(
        Encoding.UTF8.GetBytes(config), root => root.Object("parameters") is { } parameters
            ? Change(name => parameters.Object(name)?.Text("string_value"))
            : new RepositoryChange(null, null, null));

    private static RepositoryChange Change(JsonMember parameters, RepositoryChange? configured)
    {
        var own = Change(name => parameters.Member(name)?.Scalar());
        return new RepositoryChange(own.Version ?? configured?.Version, own.Role ?? configured?.Role, own.Share ?? configured?.Share);
    }

    private static T Parse<T>(ReadOnlyMemory<byte> body, Func<JsonMember, T> read)
    {
        try
        {
            // tritonclient sends an empty body for the index.
            using var json = JsonDocument.Parse(body.IsEmpty ? "{}"u8.ToArray() : body);
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? read(new JsonMember(json.RootElement, "the request"))
                : throw JsonMember.Invalid("its JSON is not an object");
        }
        catch (JsonException)
        {
            throw JsonMember.Invalid("its JSON cannot be read");
        }
        catch (InvalidOperationException)
        {
            throw JsonMember.Invalid("a string in its JSON is not Unicode");
        }
    }
}
