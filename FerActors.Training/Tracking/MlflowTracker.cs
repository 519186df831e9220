using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace FerActors.Training.Tracking;

/// <summary>Records a run on an MLflow server by its REST API, version 2.0. A resumed run goes on in the record that it had.</summary>
public sealed class MlflowTracker : IRunTracker
{
    /// <summary>The file in the run's folder that says which record is the run's.</summary>
    public const string StateFileName = "mlflow.json";

    // What the server takes: parameters in one call, their length, and the length of a tag.
    private const int MaxParameters = 100;
    private const int MaxParameterLength = 500;
    private const int MaxTagLength = 5000;
    private const int MaxAnswerBytes = 1 << 20;
    private const string ArtifactScheme = "mlflow-artifacts:/";

    private static readonly JsonSerializerOptions Json = new()
    {
        // How protobuf's JSON has NaN and infinities.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly MlflowOptions _options;
    private readonly HttpClient _http;
    private string? _run;
    private string? _artifacts;

    public MlflowTracker(MlflowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;

        // Redirects would carry the credentials to wherever they point.
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = options.Address,
            Timeout = TimeSpan.FromSeconds(30),
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        _http.DefaultRequestHeaders.Authorization = options.Credentials;
    }

    public string Name => "MLflow";

    private string Run => _run ?? throw new InvalidOperationException("The run was not started.");

    public async Task StartAsync(TrackedRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        var statePath = Path.Combine(run.Folder, StateFileName);
        if (_run is null && await ResumeAsync(statePath, cancellation).ConfigureAwait(false))
        {
            return;
        }

        // A second attempt, after a failure further down, goes on with the record that the first one made.
        if (_run is null)
        {
            var experiment = await ExperimentAsync(cancellation).ConfigureAwait(false);
            Take(await PostAsync(
                "runs/create",
                new
                {
                    experiment_id = experiment,
                    run_name = run.Name,
                    start_time = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
                    tags = run.Tags.Select(tag => new { key = tag.Key, value = Cut(tag.Value, MaxTagLength) }),
                },
                cancellation).ConfigureAwait(false));
        }

        foreach (var part in run.Parameters.Chunk(MaxParameters))
        {
            await PostAsync(
                "runs/log-batch",
                new { run_id = Run, @params = part.Select(entry => new { key = entry.Key, value = Cut(entry.Value, MaxParameterLength) }) },
                cancellation).ConfigureAwait(false);
        }

        Directory.CreateDirectory(run.Folder);
        var state = new JsonObject { ["address"] = _options.Address.AbsoluteUri, ["run_id"] = Run };
        await File.WriteAllTextAsync(statePath, state.ToJsonString(), cancellation).ConfigureAwait(false);
    }

    public Task LogAsync(IReadOnlyList<TrackedMetric> metrics, CancellationToken cancellation) => PostAsync(
        "runs/log-batch",
        new
        {
            run_id = Run,
            metrics = metrics.Select(metric => new
            {
                key = metric.Key,
                value = metric.Value,
                timestamp = metric.Time.ToUnixTimeMilliseconds(),
                step = metric.Step,
            }),
        },
        cancellation);

    public async Task LogArtifactAsync(string path, string name, CancellationToken cancellation)
    {
        if (_artifacts is not { } root || !root.StartsWith(ArtifactScheme, StringComparison.Ordinal))
        {
            // The client would have to speak to S3 or another store itself.
            throw new TrackerRefusedException("The server does not take artifacts by HTTP (start it with --serve-artifacts); figures are recorded.");
        }

        // mlflow-artifacts:/1/abc/artifacts, or with the server's own host between the slashes.
        var place = Uri.TryCreate(root, UriKind.Absolute, out var uri) ? uri.AbsolutePath.Trim('/') : root[ArtifactScheme.Length..].Trim('/');
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        await using (stream.ConfigureAwait(false))
        {
            using var content = new StreamContent(stream);
            using var request = new HttpRequestMessage(HttpMethod.Put, $"api/2.0/mlflow-artifacts/artifacts/{place}/{Uri.EscapeDataString(name)}");
            request.Content = content;
            await SendAsync(request, cancellation).ConfigureAwait(false);
        }
    }

    public Task EndAsync(RunStatus status, CancellationToken cancellation) => PostAsync(
        "runs/update",
        new
        {
            run_id = Run,
            status = status switch { RunStatus.Finished => "FINISHED", RunStatus.Killed => "KILLED", _ => "FAILED" },
            end_time = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        },
        cancellation);

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Cut(string text, int longest) => text.Length <= longest ? text : text[..(longest - 3)] + "...";

    private async Task<bool> ResumeAsync(string statePath, CancellationToken cancellation)
    {
        if (!File.Exists(statePath))
        {
            return false;
        }

        try
        {
            var state = JsonNode.Parse(await File.ReadAllTextAsync(statePath, cancellation).ConfigureAwait(false));
            if ((string?)state?["address"] != _options.Address.AbsoluteUri || (string?)state?["run_id"] is not { } id)
            {
                return false;
            }

            // Its parameters stand there already: a run cannot be continued with other ones.
            await PostAsync("runs/update", new { run_id = id, status = "RUNNING" }, cancellation).ConfigureAwait(false);
            using var request = new HttpRequestMessage(HttpMethod.Get, $"api/2.0/mlflow/runs/get?run_id={Uri.EscapeDataString(id)}");
            Take(await SendAsync(request, cancellation).ConfigureAwait(false));
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or TrackerRefusedException)
        {
            // Deleted there, or never ours: a new record.
            return false;
        }
    }

    private void Take(JsonNode? answer)
    {
        var info = answer?["run"]?["info"];
        _run = (string?)info?["run_id"] ?? throw new TrackerRefusedException("The server's answer has no run_id; is it MLflow?");
        _artifacts = (string?)info?["artifact_uri"];
    }

    private async Task<string> ExperimentAsync(CancellationToken cancellation)
    {
        try
        {
            return await GetAsync().ConfigureAwait(false);
        }
        catch (MlflowErrorException e) when (e.Code == "RESOURCE_DOES_NOT_EXIST")
        {
            try
            {
                var made = await PostAsync("experiments/create", new { name = _options.Experiment }, cancellation).ConfigureAwait(false);
                return (string?)made?["experiment_id"] ?? throw new TrackerRefusedException("The server's answer has no experiment_id.");
            }
            catch (MlflowErrorException race) when (race.Code == "RESOURCE_ALREADY_EXISTS")
            {
                return await GetAsync().ConfigureAwait(false);
            }
        }

        async Task<string> GetAsync()
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Get, $"api/2.0/mlflow/experiments/get-by-name?experiment_name={Uri.EscapeDataString(_options.Experiment)}");
            var answer = await SendAsync(request, cancellation).ConfigureAwait(false);
            return (string?)answer?["experiment"]?["experiment_id"] ?? throw new TrackerRefusedException("The server's answer has no experiment_id.");
        }
    }

    private async Task<JsonNode?> PostAsync(string method, object body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/2.0/mlflow/" + method) { Content = JsonContent.Create(body, options: Json) };
        return await SendAsync(request, cancellation).ConfigureAwait(false);
    }

    private async Task<JsonNode?> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var response = await _http.SendAsync(request, cancellation).ConfigureAwait(false);
        var text = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
        JsonNode? answer = null;
        try
        {
            answer = text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // A proxy's page; the status says enough.
        }

        if (response.IsSuccessStatusCode)
        {
            return answer;
        }

        var code = answer is JsonObject fields && fields["error_code"] is JsonValue value && value.TryGetValue<string>(out var given) ? given : null;
        var shown = Shared.Messaging.UntrustedText.Shown(code);
        var message = $"{_options.Address.Host} answered {(int)response.StatusCode} {shown}".TrimEnd() + ".";
        if (code is "RESOURCE_DOES_NOT_EXIST" or "RESOURCE_ALREADY_EXISTS" && request.RequestUri!.AbsolutePath.Contains("/experiments/", StringComparison.Ordinal))
        {
            throw new MlflowErrorException(code, message);
        }

        throw response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError
            ? new HttpRequestException(message, null, response.StatusCode)
            : new TrackerRefusedException(message);
    }

    private sealed class MlflowErrorException(string code, string message) : Exception(message)
    {
        public string Code => code;
    }
}
