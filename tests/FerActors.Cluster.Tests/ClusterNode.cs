using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FerActors.Host.Operator;
using FerActors.Testing.Processes;

namespace FerActors.Cluster.Tests;

/// <summary>A <c>fer host</c> process that is a member of a cluster, seen through its health endpoint and its control endpoint.</summary>
internal sealed partial class ClusterNode : IAsyncDisposable
{
    // Loading a model on a busy machine, or waiting until the cluster has downed another member.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(250);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly ControlClient _control;
    private Uri? _address;

    /// <param name="roles">Its roles.</param>
    /// <param name="socket">The socket of its control endpoint.</param>
    /// <param name="process">The process.</param>
    public ClusterNode(IReadOnlyList<string> roles, string socket, FerProcess process)
    {
        (Roles, Process) = (roles, process);
        _control = new ControlClient(new ControlAddress(socket, null), token: null, Patience);
    }

    public IReadOnlyList<string> Roles { get; }

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
            var (status, text) = await HealthAsync();
            if (status == HttpStatusCode.OK)
            {
                using var answer = JsonDocument.Parse(text);
                Name = answer.RootElement.GetProperty("node").GetString()!;
                return;
            }

            Assert.False(
                patience.IsCancellationRequested || Process.HasEnded,
                $"The node {string.Join('+', Roles)} is not ready: {text}\n{Process.Errors}");
            await again.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>What its control endpoint replies.</summary>
    public Task<OperatorReply> AskAsync(OperatorRequest request) => _control.AskAsync(request, CancellationToken.None);

    /// <summary>Asks again until the reply is as expected: a singleton may just be moving, and a proxy loses questions then.</summary>
    public async Task<OperatorReply> ReplyWhen(OperatorRequest request, Func<OperatorReply, bool> expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(AskAgain);
        while (true)
        {
            var reply = await AskAsync(request);
            if (expected(reply))
            {
                return reply;
            }

            Assert.False(patience.IsCancellationRequested, $"The reply stays {reply}.");
            await again.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>Has it done, by whoever decides.</summary>
    public async Task DoAsync(OperatorRequest request)
    {
        var reply = await AskAsync(request);
        Assert.True(reply.Outcome == OperatorOutcome.Done, reply.ToString());
    }

    /// <summary>What should serve and what does, once that is as expected.</summary>
    public async Task<FleetView> FleetWhen(Func<FleetView, bool> expected) =>
        (FleetView)(await ReplyWhen(new ModelRequests.Status(), reply => reply.View is FleetView fleet && expected(fleet))).View!;

    /// <summary>The members as this node sees them.</summary>
    public async Task<ClusterView> MembersAsync() =>
        (ClusterView)(await ReplyWhen(new ClusterRequests.Show(), reply => reply.View is ClusterView)).View!;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _control.Dispose();
        await Process.DisposeAsync();
    }

    // On a machine with too much to do a connection may be reset.
    private async Task<(HttpStatusCode? Status, string Text)> HealthAsync()
    {
        try
        {
            using var response = await _http.GetAsync(_address);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return (null, e.Message);
        }
    }

    [GeneratedRegex(@"Health at (http://\S+)")]
    private static partial Regex Announced();
}
