using System.CommandLine;
using System.Text.Json;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer config</c>: every option with its default, its value and where that was written. No secret is shown.</summary>
internal static class ConfigCommand
{
    private const string Default = "default";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create()
    {
        var names = new Argument<string[]>("name") { Description = "A section or an option, such as Batching; all where absent.", Arity = ArgumentArity.ZeroOrMore };
        names.CompletionSources.Add(_ => Known().Select(known => new System.CommandLine.Completions.CompletionItem(known)));
        var changed = new Option<bool>("--changed") { Description = "Only options that something sets." };
        var json = new Option<bool>("--json") { Description = "Prints an array instead of a table." };
        var command = new Command("config", "Shows every option with its default, value and source. Exit code 2: the configuration has mistakes.") { names, changed, json };
        var configuration = new ConfigurationArguments(command);
        command.SetAction((parsed, _) =>
        {
            var wanted = (parsed.GetValue(names) ?? []).Select(Check).ToList();
            var root = configuration.Build(parsed);
            var (options, errors) = FerConfiguration.Check(root);
            var rows = OptionCatalog.All
                .Where(option => wanted.Count == 0 || wanted.Exists(name => IsWithin(option.Path, name)))
                .Select(option => Row(option, options, root))
                .Where(row => !parsed.GetValue(changed) || row.Source != Default)
                .ToList();
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(rows, Json));
            }
            else
            {
                var terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
                string[] columns = ["Option", "Default", "Value", "Source"];
                var table = new ReplyTable(null, columns, [.. rows.Select(r => new[] { r.Option, r.Default, r.Value == r.Default ? "" : r.Value, r.Source })]);
                TablePrinter.Write([table with { Prose = ["Default", "Value", "Source"] }], output, terminal, TablePrinter.WidthOf(terminal));
            }

            return Task.FromResult(errors.Count == 0 ? 0 : throw new ConfigurationException(errors));
        });
        return command;
    }

    private static ConfigRow Row(OptionEntry option, FerOptions options, IConfigurationRoot root)
    {
        // Of a list each item has a place of its own; the first one's is shown.
        var path = option.IsList && root.GetSection(option.Path).GetChildren().FirstOrDefault() is { } first ? first.Path : option.Path;
        var source = ConfigurationSource.Of(root, path);
        return new ConfigRow(
            option.Path,
            option.Shown(option.Read(new FerOptions())),
            option.Shown(option.Read(options)),
            source switch
            {
                { Place: null } => Default,
                { IsVariable: true } => source.Written,
                _ => source.Place,
            });
    }

    private static string Check(string name) => Known().Any(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))
        ? name
        : throw new UsageException(
            $"'{name}' is no option and no section.{(Spelling.Nearest(name, Known()) is { } near ? $" Is {near} meant?" : " 'fer config' shows all.")}");

    private static IEnumerable<string> Known() =>
        OptionCatalog.All.Select(o => o.Path).Concat(OptionCatalog.All.Select(o => o.Path[..o.Path.LastIndexOf(OptionCatalog.Separator)]).Distinct());

    private static bool IsWithin(string path, string name) =>
        path.Equals(name, StringComparison.OrdinalIgnoreCase) || path.StartsWith(name + OptionCatalog.Separator, StringComparison.OrdinalIgnoreCase);

    private sealed record ConfigRow(string Option, string Default, string Value, string Source);
}
