using System.CommandLine;
using System.Diagnostics;
using FerActors.Host.Commands.Line;
using FerActors.Lab.Load;
using FerActors.Shared.Files;
using FerActors.Shared.Options;

namespace FerActors.Lab.Commands;

/// <summary><c>fer-lab api-load</c>: a load on the HTTP API of good pictures and bad requests. Fails where one is not answered as it must be.</summary>
internal static class ApiLoadCommand
{
    private const int Unexpected = 1;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    // Above every time limit of the API.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMinutes(5);

    public static Command Create()
    {
        var photos = new Argument<string[]>("photos") { Description = "Good pictures, sent in turn; one of them a JPEG.", Arity = ArgumentArity.OneOrMore };
        var url = new Option<string>("--url") { Description = "The API.", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        var users = new Option<int>("--users") { Description = "Users at once.", DefaultValueFactory = _ => 8 };
        var requests = new Option<int?>("--requests") { Description = "Requests of all users." };
        var duration = new Option<double?>("--duration") { Description = "Seconds in which requests begin; 30 where --requests is absent." };
        var mix = new Option<string?>("--mix")
        {
            Description = $"KIND=WEIGHT,... of {string.Join(", ", ApiLoadKind.All.Select(kind => $"{kind.Name}={kind.Weight}"))} (the default).",
        };
        var maxBytes = new Option<int>("--max-bytes") { Description = "The API's Images:MaxBytes.", DefaultValueFactory = _ => new ImageLimitsOptions().MaxBytes };
        var keyFile = new Option<string?>("--key-file") { Description = "A file with an API key." };
        var seed = new Option<int>("--seed") { Description = "Draws the kinds.", DefaultValueFactory = _ => 1 };
        var wait = new Option<double>("--wait") { Description = "Seconds to wait until the API is ready.", DefaultValueFactory = _ => 0 };
        var command = new Command("api-load", "Puts load on the HTTP API and prints how each kind of request was answered.")
        {
            photos, url, users, requests, duration, mix, maxBytes, keyFile, seed, wait,
        };
        command.SetAction(async (parsed, stop) =>
        {
            var mixture = UsageException.Reading(() => ApiLoad.ParseMixture(parsed.GetValue(mix)));
            var address = Uri.TryCreate(parsed.GetRequiredValue(url), UriKind.Absolute, out var given) ? given : null;
            var several = parsed.GetRequiredValue(users);
            if (address?.Scheme != Uri.UriSchemeHttp || several is < 1 or > 10_000)
            {
                throw new UsageException("--url must be an http address, and --users from 1 to 10000.");
            }

            var pictures = new List<byte[]>();
            foreach (var path in parsed.GetRequiredValue(photos))
            {
                pictures.Add(await RegularFile.ReadAllBytesAsync(path, stop));
            }

            var jpeg = pictures.FirstOrDefault(picture => picture is [0xFF, 0xD8, ..]) ?? throw new UsageException("One of the pictures must be a JPEG.");
            var key = parsed.GetValue(keyFile) is { } file ? (await RegularFile.ReadAllTextAsync(file, stop)).Trim() : null;
            using var client = new HttpClient { Timeout = RequestTimeout };
            await WaitAsync(client, address, TimeSpan.FromSeconds(parsed.GetValue(wait)), stop);
            var load = new ApiLoad(new ApiLoadTarget(client, address, pictures, jpeg, parsed.GetValue(maxBytes), key), mixture);
            var number = parsed.GetValue(requests);
            var seconds = parsed.GetValue(duration) ?? (number is null ? 30 : null);
            var watch = Stopwatch.StartNew();
            var outcomes = await load.RunAsync(
                several, number, seconds is { } bound ? TimeSpan.FromSeconds(bound) : null, parsed.GetValue(seed), stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(ApiLoad.Table(outcomes, watch.Elapsed));
            return ApiLoad.Unexpected(outcomes) == 0 ? 0 : Unexpected;
        });
        return command;
    }

    private static async Task WaitAsync(HttpClient client, Uri address, TimeSpan patience, CancellationToken stop)
    {
        var began = Stopwatch.GetTimestamp();
        while (patience > TimeSpan.Zero)
        {
            try
            {
                using var response = await client.GetAsync(new Uri(address, "/v2/health/ready"), stop);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            if (Stopwatch.GetElapsedTime(began) > patience)
            {
                throw new TimeoutException($"The API at {Redaction.Of(address.ToString())} was not ready within {patience.TotalSeconds:0} s.");
            }

            await Task.Delay(Poll, stop);
        }
    }
}
