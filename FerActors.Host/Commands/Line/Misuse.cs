using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using FerActors.Shared.Options;

namespace FerActors.Host.Commands.Line;

/// <summary>Says what is wrong with a command line: a sentence for each mistake, with the word that was most likely meant.</summary>
internal static partial class Misuse
{
    private const string EndOfOptions = "--";

    /// <summary>All mistakes; empty where the command line can be carried out.</summary>
    /// <param name="parsed">The command line as it was read.</param>
    /// <param name="words">The same as it was written.</param>
    public static IReadOnlyList<string> Of(ParseResult parsed, IReadOnlyList<string> words)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.Action is not (null or ParseErrorAction) && parsed.Action != command.Action)
        {
            // Help, the version or a completion.
            return [];
        }

        var misspelt = Misspelt(parsed, words).ToList();
        if (misspelt.Count > 0)
        {
            return misspelt;
        }

        if (parsed.Errors.Count == 0)
        {
            return [];
        }

        if (parsed.UnmatchedTokens is [var first, ..] && command.Subcommands.Count > 0)
        {
            return [$"'{first}' is no command of {Path(command)}.{Hint(first, command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name), command)}"];
        }

        if (command.Action is null)
        {
            return [$"{(command is ProgramCommand ? "A command is missing" : $"{Name(command)} needs a command")}; '{Path(command)} --help' lists them."];
        }

        List<string> mistakes = [.. Missing(parsed, command), .. Values(parsed)];
        mistakes.AddRange(parsed.UnmatchedTokens.Select(token => $"{Name(command)} has no use for '{token}'; '{Path(command)} --help' shows what it takes."));
        return mistakes.Count > 0 ? mistakes : [.. parsed.Errors.Select(e => FirstLine(e.Message))];
    }

    /// <summary>A command with those that it belongs to: <c>fer model promote</c>.</summary>
    public static string Path(Command command) =>
        command is ProgramCommand { Program: var program } ? program
        : command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Path(parent)} {command.Name}"
        : command.Name;

    private static string Name(Command command) => $"'{Path(command).Split(' ', 2)[^1]}'";

    // An argument or an option's value would take the word, and the command would do something else than was meant.
    private static IEnumerable<string> Misspelt(ParseResult parsed, IReadOnlyList<string> words)
    {
        var command = parsed.CommandResult.Command;
        var known = Options(command).SelectMany(o => o.Aliases.Append(o.Name)).ToList();
        foreach (var word in words.TakeWhile(word => word != EndOfOptions))
        {
            var match = LikeAnOption().Match(word);
            if (match.Success && !known.Contains(match.Groups["name"].Value, StringComparer.Ordinal))
            {
                var name = match.Groups["name"].Value;
                var behind = command.Arguments.Count == 0 ? "" : " What begins with a hyphen and is no option goes behind a '--'.";
                yield return $"{name} is no option of {Path(command)}.{Hint(name, known.Where(k => k.StartsWith('-')), command, behind)}";
            }
        }
    }

    // Also those that a command has of the commands above it.
    private static IEnumerable<Option> Options(Command command) => command.Options.Concat(
        command.Parents.OfType<Command>().SelectMany(parent => Options(parent).Where(o => o.Recursive)));

    private static IEnumerable<string> Missing(ParseResult parsed, Command command)
    {
        foreach (var argument in command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > (parsed.GetResult(a)?.Tokens.Count ?? 0)))
        {
            yield return $"{Name(command)} needs {argument.Name.ToUpperInvariant()}: {argument.Description}";
        }

        foreach (var option in command.Options.Where(o => o.Required && parsed.GetResult(o) is not { Implicit: false }))
        {
            yield return $"{Name(command)} needs {option.Name}: {option.Description}";
        }
    }

    private static IEnumerable<string> Values(ParseResult parsed)
    {
        foreach (var error in parsed.Errors)
        {
            var sentence = error.SymbolResult switch
            {
                OptionResult { Tokens.Count: 0, Option.Required: false } result => $"{result.Option.Name} needs a value: {result.Option.Description}",
                OptionResult { Tokens.Count: > 1, Option.Arity.MaximumNumberOfValues: 1 } result => $"{result.Option.Name} is given more than once.",
                OptionResult { Tokens: [var token] } result => $"{result.Option.Name} is '{token.Value}'; it must be {OptionEntry.WantedOf(result.Option.ValueType)}.",
                ArgumentResult { Tokens.Count: > 0 } result => Allowed(result),
                _ => null,
            };
            if (sentence is not null)
            {
                yield return sentence;
            }
        }
    }

    private static string? Allowed(ArgumentResult result)
    {
        var allowed = result.Argument.GetCompletions(CompletionContext.Empty).Select(c => c.Label).ToList();
        return result.Tokens.FirstOrDefault(token => !allowed.Contains(token.Value)) is { Value: var value } && allowed.Count > 0
            ? $"'{value}' is none of {string.Join(", ", allowed)}.{(Spelling.Nearest(value, allowed) is { } near ? $" Is {near} meant?" : "")}"
            : null;
    }

    private static string Hint(string word, IEnumerable<string> known, Command command, string otherwise = "") =>
        Spelling.Nearest(word, known) is { } near ? $" Is {near} meant?" : $"{otherwise} '{Path(command)} --help' shows what it takes.";

    private static string FirstLine(string text) => text.Split('\n')[0].Trim();

    // A negative number is a value, and so is a text with spaces.
    [GeneratedRegex("^(?<name>--?[A-Za-z][A-Za-z0-9_-]*)([=:].*)?$", RegexOptions.Singleline)]
    private static partial Regex LikeAnOption();
}
