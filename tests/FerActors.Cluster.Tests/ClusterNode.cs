using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FerActors.Host.Tests.EndToEnd;

namespace FerActors.Cluster.Tests;

/// <summary>A <c>fer host</c> process that is a member of a cluster, seen through its health endpoint.</summary>
internal sealed partial class ClusterNode : IAsyncDisposable
{
    // Loading a model on a busy machine, or waiting until the cluster has downed another member.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(250);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private Uri? _address;

    public ClusterNode(string role, FerProcess process) => (Role, Process) = (role, process);

    public string Role { get; }

    public FerProcess Process { get; }

    /// <summary>Its name in results, known once it is ready.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Waits until <c>/health/ready</c> is 200.</summary>
    public async Task BecomesReadyAsync()
    {
        await Process.SaidAsync("Health at ");
        _address ??= new Uri(Announced().Match(Process.Errors).Groups[1].Value);
        using var patience = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(AskAgain);
        while (true)
        {
            using var response = await _http.GetAsync(_address, patience.Token);
            var text = await response.Content.ReadAsStringAsync(patience.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                using var answer = JsonDocument.Parse(text);
                Name = answer.RootElement.GetProperty("node").GetString()!;
                return;
            }

            Assert.False(patience.IsCancellationRequested, $"The {Role} node is not ready: {text}\n{Process.Errors}");
            await again.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Process.DisposeAsync();
    }

    [GeneratedRegex(@"Health at (http://\S+)")]
    private static partial Regex Announced();
}
