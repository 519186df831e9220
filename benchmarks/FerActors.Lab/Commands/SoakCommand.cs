using System.CommandLine;
using System.Diagnostics;
using FerActors.Host.Client;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Shared.Files;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Commands;

/// <summary><c>fer-lab soak</c>: publishes many images and counts that each gets its one result.</summary>
internal static class SoakCommand
{
    public static Command Create()
    {
        var photos = new Argument<string[]>("photos") { Description = "Image files, sent in turn.", Arity = ArgumentArity.OneOrMore };
        var count = new Option<int>("--count") { Description = "Images to publish.", DefaultValueFactory = _ => 1000 };
        var aligned = new Option<bool>("--aligned") { Description = "The images are aligned face crops: no detection." };
        var timeout = new Option<double>("--timeout") { Description = "Seconds to wait for the next result.", DefaultValueFactory = _ => 60 };
        var command = new Command("soak", "Publishes images in turn, collects their results and prints what arrived.") { photos, count, aligned, timeout };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = FerConfiguration.Read(configuration.Build(parsed));
            var bodies = new List<byte[]>();
            foreach (var path in parsed.GetRequiredValue(photos))
            {
                bodies.Add(await RegularFile.ReadAllBytesAsync(path, cancellation));
            }

            var headers = new Dictionary<string, string> { [RequestHeaders.Aligned] = parsed.GetValue(aligned) ? "true" : "false" };
            await using var client = await ImageClient.ConnectAsync(options.RabbitMq, cancellation);
            var published = parsed.GetValue(count);
            var watch = Stopwatch.StartNew();
            var sending = PublishAsync(client, bodies, published, headers, cancellation);
            var tally = new SoakTally();
            while (tally.Distinct < published)
            {
                tally.Add(await client.ReceiveAsync(TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancellation));
            }

            await sending;
            Console.WriteLine($"published {published}");
            Console.WriteLine(tally);
            Console.WriteLine($"elapsed {watch.Elapsed.TotalSeconds:0.0} s, {published / watch.Elapsed.TotalSeconds:0.0} images/s");
            return 0;
        });
        return command;
    }

    private static async Task PublishAsync(
        ImageClient client, List<byte[]> bodies, int count, Dictionary<string, string> headers, CancellationToken cancellation)
    {
        for (var i = 0; i < count; i++)
        {
            await client.PublishAsync(bodies[i % bodies.Count], $"soak-{i}-{Guid.NewGuid():N}", headers, cancellation);
        }
    }

    private sealed class SoakTally
    {
        private readonly HashSet<string> _ids = [];
        private readonly SortedDictionary<string, int> _errors = new(StringComparer.Ordinal);
        private int _results;
        private int _faces;

        public int Distinct => _ids.Count;

        public void Add(ClassificationResult result)
        {
            _results++;
            _ids.Add(result.MessageId);
            _faces += result.Faces.Count;
            if (result.Error is { } error)
            {
                _errors[error.Code] = _errors.GetValueOrDefault(error.Code) + 1;
            }
        }

        public override string ToString() =>
            $"results {_results}, distinct message ids {Distinct}, duplicates {_results - Distinct}, faces {_faces}, errors {_errors.Values.Sum()}"
            + string.Concat(_errors.Select(e => $" {e.Key}={e.Value}"));
    }
}
