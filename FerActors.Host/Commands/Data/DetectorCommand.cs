using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Detectors;
using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Training.Hub;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Commands.Data;

/// <summary><c>fer detector</c>: brings the file of the face detector that is no part of the program.</summary>
internal static class DetectorCommand
{
    // The file is small, and the cascade is there: long patience with an absent network helps nobody.
    private const int Attempts = 2;

    public static Command Create() => new("detector", "Brings the face detector YuNet.") { Fetch() };

    private static Command Fetch()
    {
        var to = new Option<string?>("--to")
        {
            Description = "Folder for the file; by default the user's cache, which every node searches, and only where Detection finds no YuNet yet.",
        };
        var quiet = new Option<bool>("--quiet") { Description = "Says nothing but the path of a new file, or one sentence where it cannot be had." };
        var command = new Command(
            "fetch", $"Fetches YuNet once from the Hugging Face Hub, or from the address or file in {DetectorFetch.SourceVariable}, checks its SHA-256, and prints its path.")
        {
            to,
            quiet,
        };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                if (parsed.GetValue(to) is null && Found(configuration.Build(parsed)) is { } found)
                {
                    if (!parsed.GetValue(quiet))
                    {
                        await parsed.InvocationConfiguration.Output.WriteLineAsync(found);
                    }

                    return 0;
                }

                var folder = parsed.GetValue(to) ?? DetectorModel.CacheFolder
                    ?? throw new FaceDetectorException("This user has no home for a cache; name a folder with --to.");
                var notes = parsed.GetValue(quiet) ? null : new Notes(parsed.InvocationConfiguration.Error);
                var fetch = new DetectorFetch(HubOptions.FromEnvironment() with { Attempts = Attempts }, DetectorModel.Zoo, DetectorModel.Known);
                var (path, wasThere) = await fetch.RunAsync(
                    folder, Environment.GetEnvironmentVariable(DetectorFetch.SourceVariable), notes, cancellation);
                if (!wasThere || !parsed.GetValue(quiet))
                {
                    await parsed.InvocationConfiguration.Output.WriteLineAsync(path);
                }

                return 0;
            }
            catch (Exception e) when (e is FaceDetectorException or HubException)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync(
                    $"YuNet could not be fetched: {e.Message} Without YuNet the Haar cascade finds the faces: it gives no landmarks and misses "
                    + $"tilted and partly hidden faces. {FaceDetectorFactory.Remedy}");
                return 1;
            }
        });
        return command;
    }

    /// <summary>The YuNet file that a node of this configuration would use.</summary>
    private static string? Found(IConfiguration configuration)
    {
        var options = new DetectionOptions();
        configuration.GetSection(DetectionOptions.Section).Bind(options);
        try
        {
            var factory = new FaceDetectorFactory(options);
            return factory.Kind == DetectorKind.YuNet ? factory.ModelPath : null;
        }
        catch (FaceDetectorException)
        {
            // No detector at all: the more it is wanted.
            return null;
        }
    }

    // What a person should know while it lasts, such as why an attempt is repeated. The file itself comes in a moment.
    private sealed class Notes(TextWriter error) : IProgress<HubProgress>
    {
        public void Report(HubProgress value)
        {
            if (value.Note is { } note)
            {
                error.WriteLine(note);
            }
        }
    }
}
