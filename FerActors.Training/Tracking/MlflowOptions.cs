using System.Net.Http.Headers;
using System.Text;

namespace FerActors.Training.Tracking;

/// <summary>Where an MLflow server is. The variables are MLflow's own.</summary>
public sealed class MlflowOptions
{
    /// <summary><c>MLFLOW_TRACKING_URI</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary><c>MLFLOW_EXPERIMENT_NAME</c>; made where the server has none of that name.</summary>
    public string Experiment { get; init; } = "fer-actors";

    // Not a public property, so that nothing that prints options prints it.
    internal AuthenticationHeaderValue? Credentials { get; init; }

    /// <summary>Reads the variables.</summary>
    /// <returns><see langword="null"/> where no server is named.</returns>
    /// <exception cref="FormatException">A variable cannot be used. The message quotes none.</exception>
    public static MlflowOptions? FromEnvironment(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        string? Get(string name) => variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
        if (Get("MLFLOW_TRACKING_URI") is not { } text)
        {
            return null;
        }

        if (!Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https") || address.UserInfo.Length > 0 || address.Query.Length > 0)
        {
            throw new FormatException(
                "MLFLOW_TRACKING_URI has to be an http or https address without user, password or query "
                + "(use MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD); a folder or a database is not supported.");
        }

        var token = Get("MLFLOW_TRACKING_TOKEN");
        var user = Get("MLFLOW_TRACKING_USERNAME");
        if (token is not null && !token.All(letter => letter is > ' ' and <= '~'))
        {
            throw new FormatException("MLFLOW_TRACKING_TOKEN has characters that cannot stand in a header.");
        }

        return new MlflowOptions
        {
            Address = address,
            Experiment = Get("MLFLOW_EXPERIMENT_NAME") ?? "fer-actors",
            Credentials = (token, user) switch
            {
                ({ } bearer, _) => new AuthenticationHeaderValue("Bearer", bearer),
                (null, { } name) => new AuthenticationHeaderValue(
                    "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{Get("MLFLOW_TRACKING_PASSWORD")}"))),
                _ => null,
            },
        };
    }
}
