using System.Net;
using System.Text.Json;
using FerActors.Host.Configuration;
using FerActors.Host.Health;
using FerActors.Host.Node;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Host.Tests.Health;

/// <summary>A node of the test's process and what its health endpoint says.</summary>
internal sealed class HealthClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new();

    private HealthClient(IHost node) => Node = node;

    public IHost Node { get; }

    public Uri Address => Node.Services.GetRequiredService<HealthServer>().Address!;

    public static HealthClient Build(params string[] settings) =>
        new(FerNode.Build(FerConfiguration.Build(null, [.. settings, "Logging:Level=Error"])));

    public static async Task<HealthClient> StartAsync(params string[] settings)
    {
        var client = Build(settings);
        await client.Node.StartAsync();
        return client;
    }

    /// <summary>The status and the description of each check that does not hold.</summary>
    public async Task<(HttpStatusCode Status, Dictionary<string, string> Faults)> AskAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(Address, path));
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var faults = answer.RootElement.GetProperty("checks").EnumerateArray()
            .Where(check => check.GetProperty("status").GetString() == "Unhealthy")
            .ToDictionary(check => check.GetProperty("name").GetString()!, check => check.GetProperty("description").GetString()!);
        return (response.StatusCode, faults);
    }

    /// <summary>Asks until the answer is as wished.</summary>
    public async Task<Dictionary<string, string>> AwaitAsync(string path, Func<HttpStatusCode, Dictionary<string, string>, bool> wish)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(AskAgain);
        while (true)
        {
            var (status, faults) = await AskAsync(path);
            if (wish(status, faults))
            {
                return faults;
            }

            Assert.False(patience.IsCancellationRequested, $"It still answers {status}: {string.Join("; ", faults)}");
            await again.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    public Task BecomesReadyAsync() => AwaitAsync(HealthServer.ReadyPath, (status, _) => status == HttpStatusCode.OK);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Node.StopAsync();
        Node.Dispose();
    }
}
