using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer api-key</c>: draws a key for the HTTP API. It is shown once; only its hash is kept.</summary>
internal static class ApiKeyCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "Whose key it is: letters, digits, '-', '_', '.', '@'." };
        var file = new Option<string?>("--file") { Description = "File (Api:KeysFile) to which the key's hash is added." };
        var right = new Option<string[]>("--right")
        {
            Description = "What the key may do beyond classifying: models, to decide which registered version serves.",
        };
        var command = new Command("api-key", "Draws an API key and prints it, with the line NAME:SHA256 for Api:KeysFile.") { name, file, right };
        command.SetAction(async (parsed, cancellation) =>
        {
            var owner = parsed.GetRequiredValue(name);
            if (!ApiKeyLine.IsName(owner))
            {
                throw new UsageException("The name must be 1 to 64 letters, digits, '-', '_', '.' or '@'.");
            }

            var rights = parsed.GetValue(right) ?? [];
            if (rights.FirstOrDefault(given => !ApiKeyLine.IsRight(given)) is not null)
            {
                throw new UsageException($"The one right that there is: {ApiKeyLine.ModelsRight}.");
            }

            var (key, line) = ApiKeyLine.Create(owner, rights);
            if (parsed.GetValue(file) is { } path)
            {
                await AppendAsync(path, line + Environment.NewLine, cancellation);
            }
            else
            {
                await Console.Error.WriteLineAsync($"Line for Api:KeysFile: {line}");
            }

            await Console.Out.WriteLineAsync(key);
            return 0;
        });
        return command;
    }

    private static async Task AppendAsync(string path, string text, CancellationToken cancellation)
    {
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            // Of a new file; whoever can write to it can let themselves in.
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var file = new FileStream(path, options);
        await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), cancellation);
    }
}
