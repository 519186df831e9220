using System.CommandLine;
using System.Globalization;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Feedback;
using FerActors.Host.Retention;
using FerActors.Shared.Options;

namespace FerActors.Host.Commands.Data;

/// <summary><c>fer retention</c>: what is kept of images and feedback, and how to get or delete it. Works on the node's folders, with its options.</summary>
internal static class RetentionCommand
{
    public static Command Create() => new("retention", "Images and feedback that are kept: list, export, forget.") { List(), Export(), Forget() };

    private static Command List()
    {
        var command = new Command("list", "Lists the kept images.");
        var configuration = new ConfigurationArguments(command);
        command.SetAction((parsed, _) =>
        {
            var images = new RetainedImages(Options(configuration, parsed).Retention);
            foreach (var file in images.All().OrderBy(file => file.At))
            {
                var what = Describe(images, file.Path, () => images.Read(file).MessageId);
                parsed.InvocationConfiguration.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file.At:u}  {file.Bytes,9}  {what}"));
            }

            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Export()
    {
        var id = new Argument<string>("id") { Description = "The result's message id." };
        var target = new Argument<string>("file") { Description = "Where the image goes." };
        var command = new Command("export", "Writes a kept image, decrypted, to a file.") { id, target };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var images = new RetainedImages(Options(configuration, parsed).Retention);
            var file = images.Of(parsed.GetRequiredValue(id)).MaxBy(file => file.At)
                ?? throw new InvalidDataException("No image of this message is kept here.");
            await File.WriteAllBytesAsync(parsed.GetRequiredValue(target), images.Read(file).Image.ToArray(), cancellation);
            return 0;
        });
        return command;
    }

    private static Command Forget()
    {
        var ids = new Argument<string[]>("id") { Description = "Message ids of results.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("forget", "Deletes the kept images of messages, and the feedback on them.") { ids };
        var configuration = new ConfigurationArguments(command);
        command.SetAction((parsed, _) =>
        {
            var options = Options(configuration, parsed);
            var images = new RetainedImages(options.Retention);
            var feedback = new FeedbackStore(options.Feedback.Folder);
            foreach (var id in parsed.GetRequiredValue(ids))
            {
                parsed.InvocationConfiguration.Output.WriteLine($"{id}: {images.Delete(id)} images, {feedback.Delete(id)} feedback records deleted");
            }

            return Task.FromResult(0);
        });
        return command;
    }

    private static FerOptions Options(ConfigurationArguments configuration, ParseResult parsed) => FerConfiguration.Read(configuration.Build(parsed));

    private static string Describe(RetainedImages images, string path, Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            return $"{Path.GetFileName(path)} ({(images.Encrypts ? e.Message : "cannot be read without the key")})";
        }
    }
}
