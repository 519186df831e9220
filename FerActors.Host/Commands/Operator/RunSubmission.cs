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
        [.. files ? [_config] : (IReadOnlyList<Symbol>)[], _set, _data, _id, _name, _version, _initFrom, _priority];

    /// <exception cref="FormatException">Something is missing, or is not for the supervisor.</exception>
    /// <exception cref="TrainingConfigurationException">The options have mistakes; all of them at once.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public OperatorRequest Read(ParseResult parsed)
    {
        var text = files && parsed.GetValue(_config) is { } file ? RegularFile.ReadAllText(file) : "{}";
        var configuration = RunConfiguration.Parse(text, parsed.GetValue(_set) ?? []);
        var settings = configuration.Settings;
        if (settings.HoldOut > 0)
        {
            throw new FormatException("hold_out is not for the training supervisor, whose data need validation images of their own.");
        }

        if (settings.KeepDuplicates || settings.Fp32Weights)
        {
            throw new FormatException(
                "keep_duplicates and fp32_weights are not for the training supervisor, whose runs drop duplicates and store fp16.");
        }

        if (settings.Votes is not null)
        {
            throw new FormatException("votes is not for the training supervisor, whose runs learn the data's own labels.");
        }

        var data = parsed.GetValue(_data)
            ?? settings.Data
            ?? throw new FormatException("The data is missing: --data PATH, or data in the file.");
        var id = parsed.GetValue(_id) ?? NewId();
        return new TrainRequests.Submit(
            id,
            parsed.GetValue(_name) ?? settings.Name ?? id,
            Path.GetFullPath(data),
            parsed.GetValue(_version) ?? (settings.Version == new RunSettings().Version ? id : settings.Version),
            JsonSerializer.Deserialize<JsonElement>(configuration.Options.ToJson()),
            parsed.GetValue(_initFrom),
            parsed.GetValue(_priority));
    }

    private static string NewId() => string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyyMMdd-HHmmss}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}");
}
