using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Testing.Servers;
using Microsoft.AspNetCore.Http;

namespace FerActors.Training.Tests.Tracking;

/// <summary>Speaks the endpoints of MLflow's REST API 2.0 that are documented for tracking, and keeps what they are sent.</summary>
internal sealed class FakeMlflow : IAsyncDisposable
{
    private LocalServer _server = null!;

    public Dictionary<string, string> Experiments { get; } = [];

    public Dictionary<string, JsonObject> Runs { get; } = [];

    public ConcurrentDictionary<string, string> Artifacts { get; } = [];

    public ConcurrentQueue<(string Path, string Authorization)> Requests { get; } = [];

    public string ArtifactRoot { get; set; } = "mlflow-artifacts:/";

    public Func<HttpContext, Task<bool>>? First { get; set; }

    public Uri Address => _server.Address;

    public static async Task<FakeMlflow> StartAsync()
    {
        var fake = new FakeMlflow();
        fake._server = await LocalServer.StartAsync(fake.Answer);
        return fake;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task Answer(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue((path, context.Request.Headers.Authorization.ToString()));
        if (First is { } first && await first(context))
        {
            return;
        }

        if (context.Request.Method == "PUT" && path.StartsWith("/api/2.0/mlflow-artifacts/artifacts/", StringComparison.Ordinal))
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            Artifacts[path["/api/2.0/mlflow-artifacts/artifacts/".Length..]] = await reader.ReadToEndAsync();
            await context.Response.WriteAsync("{}");
            return;
        }

        var body = context.Request.Method == "POST" ? (JsonObject)(await JsonNode.ParseAsync(context.Request.Body))! : [];
        var query = context.Request.Query;
        JsonNode? answer = (context.Request.Method, path) switch
        {
            ("GET", "/api/2.0/mlflow/experiments/get-by-name") => Experiments.TryGetValue(query["experiment_name"]!, out var id)
                ? new JsonObject { ["experiment"] = new JsonObject { ["experiment_id"] = id, ["name"] = query["experiment_name"].ToString() } }
                : null,
            ("POST", "/api/2.0/mlflow/experiments/create") => Create((string)body["name"]!),
            ("POST", "/api/2.0/mlflow/runs/create") => CreateRun(body),
            ("GET", "/api/2.0/mlflow/runs/get") => Find(query["run_id"]!) is { } run ? Info(query["run_id"]!, run) : null,
            ("POST", "/api/2.0/mlflow/runs/log-batch") => Find((string)body["run_id"]!) is { } run ? Log(run, body) : null,
            ("POST", "/api/2.0/mlflow/runs/update") => Find((string)body["run_id"]!) is { } run ? Update(run, body) : null,
            _ => null,
        };
        context.Response.StatusCode = answer is null ? 404 : 200;
        await context.Response.WriteAsync((answer ?? new JsonObject { ["error_code"] = "RESOURCE_DOES_NOT_EXIST", ["message"] = "No." }).ToJsonString());
    }

    private JsonObject? Find(string run) => Runs.GetValueOrDefault(run);

    private JsonObject Create(string name)
    {
        Experiments[name] = "7";
        return new JsonObject { ["experiment_id"] = "7" };
    }

    private JsonObject CreateRun(JsonObject body)
    {
        Assert.Contains((string)body["experiment_id"]!, Experiments.Values);
        var id = $"run{Runs.Count}";
        Runs[id] = new JsonObject
        {
            ["name"] = (string)body["run_name"]!,
            ["tags"] = body["tags"]!.DeepClone(),
            ["status"] = "RUNNING",
            ["params"] = new JsonArray(),
            ["metrics"] = new JsonArray(),
        };
        return Info(id, Runs[id]);
    }

    private JsonObject Info(string id, JsonObject run) => new()
    {
        ["run"] = new JsonObject
        {
            ["info"] = new JsonObject { ["run_id"] = id, ["artifact_uri"] = $"{ArtifactRoot}7/{id}/artifacts", ["status"] = (string)run["status"]! },
        },
    };

    private static JsonObject Log(JsonObject run, JsonObject body)
    {
        foreach (var kind in new[] { "params", "metrics" })
        {
            foreach (var entry in body[kind]?.AsArray() ?? [])
            {
                run[kind]!.AsArray().Add(entry!.DeepClone());
            }
        }

        return [];
    }

    private static JsonObject Update(JsonObject run, JsonObject body)
    {
        run["status"] = (string)body["status"]!;
        run["end_time"] = body["end_time"]?.GetValueKind() == JsonValueKind.Number ? (long)body["end_time"]! : null;
        return [];
    }
}
