using System.CommandLine;
using System.Net;
using System.Text.Json;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Health;
using FerActors.Host.Operator;
using FerActors.Shared.Options;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer health</c>: asks a node as an orchestrator would. Exit code 0 where it is ready (or lives), 1 where not.</summary>
internal static class HealthCommand
{
    private const int MaxAnswerBytes = 64 * 1024;

    public static Command Create()
    {
        var live = new Option<bool>("--live") { Description = "Ask whether the node lives, not whether it is ready." };
        var url = new Option<string?>("--url") { Description = "The endpoint's address; that of Health:Address and Health:Port by default." };
        var timeout = new Option<double>("--timeout") { Description = "Seconds to wait for the answer.", DefaultValueFactory = _ => 5 };
        var command = new Command("health", "Asks a node whether it is ready. Exit code 0: it is; 1: it is not, or does not answer.") { live, url, timeout };
        var configuration = new ConfigurationArguments(command);
        command.SetAction((parsed, cancellation) => AskAsync(
            parsed.GetValue(url) is { } given ? Parse(given) : Local(FerConfiguration.Read(configuration.Build(parsed)).Health),
            parsed.GetValue(live) ? HealthServer.LivePath : HealthServer.ReadyPath,
            TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(timeout), 0.1, 600)),
            cancellation));
        return command;
    }

    private static async Task<int> AskAsync(Uri endpoint, string path, TimeSpan timeout, CancellationToken cancellation)
    {
        using var http = new HttpClient { Timeout = timeout, MaxResponseContentBufferSize = MaxAnswerBytes };
        var address = new Uri(endpoint, path);
        HttpResponseMessage response;
        try
        {
            response = await http.GetAsync(address, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"No node answers at {Redaction.Of(address.ToString())}: {e.Message}", e);
        }
        catch (TaskCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"The node at {Redaction.Of(address.ToString())} did not answer within {timeout.TotalSeconds:0.#} s.", e);
        }

        using (response)
        {
            try
            {
                using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation));
                Write(answer.RootElement);
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new InvalidDataException($"What answers at {Redaction.Of(address.ToString())} is no node of FerActors: status {(int)response.StatusCode}.", e);
            }

            return response.StatusCode == HttpStatusCode.OK ? 0 : 1;
        }
    }

    private static void Write(JsonElement answer)
    {
        var checks = answer.GetProperty("checks").EnumerateArray()
            .Select(check => (string[])[Text(check, "name"), Text(check, "status"), Text(check, "description")])
            .ToList();
        Console.WriteLine(TablePrinter.Printable($"{Text(answer, "node")}: {Text(answer, "status")}"));
        TablePrinter.Write(new ReplyTable(null, ["Check", "State", "Why"], checks) { Prose = ["Why"] });
    }

    private static Uri Parse(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
            ? address
            : throw new UsageException($"--url is '{Redaction.Of(url)}'; it must be an address like http://127.0.0.1:{HealthOptions.DefaultPort}.");

    private static Uri Local(HealthOptions options)
    {
        var address = IPAddress.Parse(options.Address);
        var host = address.Equals(IPAddress.Any) ? IPAddress.Loopback : address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : address;
        return new UriBuilder(Uri.UriSchemeHttp, host.ToString(), options.Port ?? HealthOptions.DefaultPort).Uri;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";
}
