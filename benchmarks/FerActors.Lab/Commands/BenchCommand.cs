using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Operator;
using FerActors.Lab.Bench;
using FerActors.Shared.Options;

namespace FerActors.Lab.Commands;

/// <summary><c>fer-lab bench</c>: how fast a node is from the broker to the broker, beside its own parts and a plain consumer.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "How often raw pipeline, node and peer take turns.", DefaultValueFactory = _ => 3 };
        var seconds = new Option<double>("--seconds") { Description = "Seconds of each end-to-end measurement.", DefaultValueFactory = _ => 5 };
        var open = new Option<double>("--open-seconds")
        {
            Description = "Seconds of each open loop at least; up to three times as many for 200 images.",
            DefaultValueFactory = _ => 12,
        };
        var concurrency = new Option<int?>("--concurrency") { Description = "Images under way at once in the closed loop; absent: twice the prefetch." };
        var photos = new Option<string>("--photos") { Description = "Folder of photos.", DefaultValueFactory = _ => "../shared/photos" };
        var peer = new Option<string>("--peer") { Description = "The plain consumer.", DefaultValueFactory = _ => "scripts/peers/plain_consumer.py" };
        var noPeer = new Option<bool>("--no-peer") { Description = "Without the plain consumer." };
        var seed = new Option<int>("--seed") { Description = "Seed of the arrivals.", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Prints the report as JSON." };
        var output = new Option<string?>("--output") { Description = "File for the report in Markdown." };
        var grow = new Option<bool>("--grow")
        {
            Description = "Measures instead how the cost grows with the queue, the photo, its faces and the processes.",
        };
        var longest = new Option<int>("--longest-queue") { Description = "With --grow: messages of the longest queue.", DefaultValueFactory = _ => 100_000 };
        var plots = new Option<string>("--plots") { Description = "With --grow: folder for the plots.", DefaultValueFactory = _ => "docs/plots" };
        var command = new Command("bench", "Measures a node of its own on the configured broker: throughput, latency, and what is lost of the raw pipeline.")
        {
            rounds,
            seconds,
            open,
            concurrency,
            photos,
            peer,
            noPeer,
            seed,
            json,
            output,
            grow,
            longest,
            plots,
        };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(rounds) < 1
                || parsed.GetValue(concurrency) < 1
                || parsed.GetValue(longest) < 1
                || parsed.GetValue(seconds) <= 0
                || parsed.GetValue(open) <= 0)
            {
                throw new UsageException(
                    "--rounds, --concurrency and --longest-queue must be at least 1, --seconds and --open-seconds above 0.");
            }

            var options = FerConfiguration.Read(configuration.Build(parsed));
            var settings = new BenchSettings(
                parsed.GetValue(rounds),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                TimeSpan.FromSeconds(parsed.GetValue(open)),
                parsed.GetValue(concurrency) ?? 2 * options.RabbitMq.Prefetch,
                parsed.GetValue(photos),
                parsed.GetValue(noPeer) ? null : parsed.GetValue(peer),
                parsed.GetValue(seed),
                configuration.Arguments(parsed),
                CommandText.Of(parsed, IsHarmless));
            var (shown, markdown) = parsed.GetValue(grow)
                ? await GrowAsync(options, settings, parsed.GetValue(longest), parsed.GetValue(plots)!, cancellation)
                : await MeasureAsync(options, settings, parsed.GetValue(json), cancellation);
            if (parsed.GetValue(json) && !parsed.GetValue(grow))
            {
                Console.WriteLine(shown);
            }
            else
            {
                MarkdownScreen.Write(shown);
            }


            if (parsed.GetValue(output) is { } file)
            {
                await File.WriteAllTextAsync(file, markdown, cancellation);
            }

            return 0;
        });
        return command;
    }

    private static async Task<(string Shown, string Markdown)> MeasureAsync(
        FerOptions options, BenchSettings settings, bool json, CancellationToken cancellation)
    {
        var report = await new BenchRun(options, settings, Console.Error.WriteLine).RunAsync(cancellation);
        return (json ? report.ToJson() : report.ToMarkdown(), report.ToMarkdown());
    }

    private static async Task<(string Shown, string Markdown)> GrowAsync(
        FerOptions options, BenchSettings settings, int longest, string plots, CancellationToken cancellation)
    {
        var text = await new GrowthRun(options, settings, longest, plots, Console.Error.WriteLine).RunAsync(cancellation);
        return (text, text);
    }

    // The broker's address has a password in it.
    private static bool IsHarmless(string token) => !token.Contains("://", StringComparison.Ordinal) && token != "--set";
}
