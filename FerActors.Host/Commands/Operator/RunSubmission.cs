using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using FerActors.Host.Operator;
using FerActors.Shared.Files;
using FerActors.Training.Configuration;

namespace FerActors.Host.Commands.Operator;

/// <summary>Reads the options of <c>fer train submit</c>: the same file and overrides as <c>fer train</c> takes.</summary>
/// <param name="files">The option that names a file is offered.</param>
internal sealed class RunSubmission(bool files)
{
    private readonly Option<string?> _config = new("--config", "--options")
    {
        Description = "YAML or JSON file with the training options, and data, name and version if wanted.",
    };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Sets one option: --set epochs=3 --set early_stopping.patience=5.",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _data = new("--data") { Description = "The data, as every training node sees it." };

    private readonly Option<string?> _votes = new("--votes") { Description = "The votes of FER+ beside the data, as every training node sees them." };
    private readonly Option<string?> _device = new("--device") { Description = "auto, cpu, cuda or cuda:N, of the node that carries the run out." };

    private readonly Option<string?> _id = new("--id")
    {
        Description = "The run's id; made up where absent. The same submission twice is one run.",
    };

    private readonly Option<string?> _name = new("--name") { Description = "For people; the id where absent." };

    private readonly Option<string?> _version = new("--version-name")
    {
        Description = "The version that the model is registered as; the id where absent.",
    };

    private readonly Option<string?> _initFrom = new("--init-from") { Description = "Weights to begin with." };
    private readonly Option<int> _priority = new("--priority") { Description = "Higher ones run first." };

    public IReadOnlyList<Symbol> Symbols =>
        [.. files ? [_config] : (IReadOnlyList<Symbol>)[], _set, _data, _votes, _device, _id, _name, _version, _initFrom, _priority];

    /// <exception cref="FormatException">Something is missing, or is not for the supervisor.</exception>
    /// <exception cref="TrainingConfigurationException">The options have mistakes; all of them at once.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public OperatorRequest Read(ParseResult parsed)
    {
        var text = files && parsed.GetValue(_config) is { } file ? RegularFile.ReadAllText(file) : "{}";
        var configuration = RunConfiguration.Parse(text, parsed.GetValue(_set) ?? []);
        var settings = configuration.Settings;
        if (settings.KeepDuplicates || settings.Fp32Weights)
        {
            throw new FormatException(
                "keep_duplicates and fp32_weights are not for the training supervisor, whose runs drop duplicates and store fp16.");
        }

        var data = parsed.GetValue(_data)
            ?? settings.Data
            ?? throw new FormatException("The data is missing: --data PATH, or data in the file.");
        var votes = parsed.GetValue(_votes) ?? settings.Votes;
        var usual = new RunSettings();
        var id = parsed.GetValue(_id) ?? NewId();
        return new TrainRequests.Submit(
            id,
            parsed.GetValue(_name) ?? settings.Name ?? id,
            Path.GetFullPath(data),
            parsed.GetValue(_version) ?? (settings.Version == usual.Version ? id : settings.Version),
            JsonSerializer.Deserialize<JsonElement>(configuration.Options.ToJson()),
            parsed.GetValue(_initFrom),
            parsed.GetValue(_priority))
        {
            Votes = votes is null ? null : Seen(votes),
            HoldOut = settings.HoldOut,
            HoldOutSeed = settings.HoldOutSeed,
            FolderLabels = settings.FolderLabels == usual.FolderLabels ? null : settings.FolderLabels,
            Device = (parsed.GetValue(_device) ?? settings.Device) is var device && device != usual.Device ? device : null,
        };
    }

    // A folder that this machine does not have may be on the training nodes alone; in one that it has, a name that is not there is a mistake.
    private static string Seen(string path)
    {
        var full = Path.GetFullPath(path);
        return Path.Exists(full) || !Directory.Exists(Path.GetDirectoryName(full))
            ? full
            : throw new FormatException($"votes is '{full}', which is not there.");
    }

    private static string NewId() => string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyyMMdd-HHmmss}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}");
}
