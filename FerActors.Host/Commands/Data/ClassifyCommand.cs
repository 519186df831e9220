using System.CommandLine;
using FerActors.Host.Client;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Inference.Faces;
using FerActors.Shared.Files;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using Spectre.Console;

namespace FerActors.Host.Commands.Data;

/// <summary><c>fer classify</c>: sends photos through the broker to whatever nodes run, and shows what comes back.</summary>
internal static class ClassifyCommand
{
    public static Command Create()
    {
        var photos = new Argument<string[]>("photos") { Description = "Image files, or folders whose images are all meant.", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string?>("--out") { Description = "Folder for annotated pictures." };
        var faces = new Option<string>("--faces") { Description = "all or largest.", DefaultValueFactory = _ => "all" };
        var json = new Option<bool>("--json") { Description = "Prints the results as they came, one JSON object a line." };
        var timeout = new Option<double>("--timeout") { Description = "Seconds to wait for a result.", DefaultValueFactory = _ => 60 };
        var command = new Command("classify", "Publishes photos, waits for their results and prints them.") { photos, output, faces, json, timeout };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = FerConfiguration.Read(configuration.Build(parsed));
            var files = PhotoFiles.Find(parsed.GetRequiredValue(photos));
            await using var client = await ImageClient.ConnectAsync(options.RabbitMq, cancellation);
            var sent = new Dictionary<string, string>();
            foreach (var path in files)
            {
                var id = $"{Path.GetFileName(path)}-{Guid.NewGuid():N}";
                sent.Add(id, path);
                await client.PublishAsync(
                    await RegularFile.ReadAllBytesAsync(path, cancellation), id, new Dictionary<string, string> { [RequestHeaders.Faces] = parsed.GetRequiredValue(faces) }, cancellation);
            }

            var results = new Dictionary<string, ClassificationResult>();
            await using (new ElapsedLine(() => $"{results.Count} of {sent.Count} results have come"))
            {
                while (results.Count < sent.Count)
                {
                    var result = await client.ReceiveAsync(TimeSpan.FromSeconds(parsed.GetValue(timeout)), cancellation);
                    results[result.MessageId] = result;
                }
            }

            var pairs = sent.Select(s => (s.Value, results[s.Key])).ToList();
            if (parsed.GetValue(json))
            {
                pairs.ForEach(p => Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(ResultJson.Serialize(p.Item2))));
            }
            else
            {
                ResultTable.Write(AnsiConsole.Console, pairs.Select(p => (Path.GetFileName(p.Value), p.Item2)));
            }

            if (parsed.GetValue(output) is { } folder)
            {
                await AnnotateAsync(folder, pairs, ImageLimits.From(options.Images), cancellation);
            }

            return results.Values.All(r => r.Error is null) ? 0 : 1;
        });
        return command;
    }

    private static async Task AnnotateAsync(
        string folder, IReadOnlyList<(string Photo, ClassificationResult Result)> pairs, ImageLimits limits, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (photo, result) in pairs.Where(p => p.Result.Error is null))
        {
            using var image = ImageDecoder.Decode(await RegularFile.ReadAllBytesAsync(photo, cancellation), limits);
            var name = NameFor(photo, names);
            await File.WriteAllBytesAsync(Path.Combine(folder, name), FaceAnnotator.Draw(image, result), cancellation);
        }

        await Console.Error.WriteLineAsync($"Annotated pictures ({names.Count}): {Path.GetFullPath(folder)}");
    }

    /// <summary>The picture's name: that of the photo, and where two photos share it, with the photo's extension or a number too.</summary>
    internal static string NameFor(string photo, HashSet<string> taken)
    {
        var (plain, whole) = (Path.GetFileNameWithoutExtension(photo), Path.GetFileName(photo));
        return Enumerable.Range(2, taken.Count + 1).Select(number => $"{plain}-{number}").Prepend(whole).Prepend(plain)
            .Select(name => name + ".annotated.png")
            .First(taken.Add);
    }
}
