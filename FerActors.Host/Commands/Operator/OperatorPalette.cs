using System.CommandLine;
using FerActors.Host.Operator;

namespace FerActors.Host.Commands.Operator;

/// <summary>One command of the palette.</summary>
/// <param name="Name">One word: <c>model-promote</c>.</param>
/// <param name="Description">For pbm's help.</param>
/// <param name="Arguments">All of them behind switches, since pbm knows no others.</param>
internal sealed record PaletteCommand(string Name, string Description, IReadOnlyList<PaletteArgument> Arguments);

/// <param name="Name">The argument.</param>
/// <param name="Switch">What is typed before its value.</param>
/// <param name="Description">For pbm's help.</param>
/// <param name="Mandatory">The command needs it.</param>
/// <param name="Flag">Its values are <c>true</c> and <c>false</c>.</param>
internal sealed record PaletteArgument(string Name, string Switch, string Description, bool Mandatory, bool Flag);

/// <param name="Done">Otherwise the text says why not.</param>
/// <param name="Text">For a terminal, without colours.</param>
internal sealed record PaletteAnswer(bool Done, string Text);

/// <summary>The operators' commands for pbm, which knows a palette, one word and switches; defined by those of the command line.</summary>
internal sealed class OperatorPalette(OperatorService operators)
{
    public const string Name = "fer";

    private static readonly ParserConfiguration Parser = new()
    {
        // A text that begins with @ would be read as a file of the node.
        ResponseFileTokenReplacer = null,
        EnablePosixBundling = false,
    };

    public static IReadOnlyList<PaletteCommand> Commands { get; } =
    [
        .. Leaves(Root((_, _, _) => Task.FromResult(0)))
            .Select(l => new PaletteCommand(l.Name, l.Command.Description ?? "", [.. Arguments(l.Command)])),
    ];

    /// <summary>Carries a command out; whatever goes wrong is an answer.</summary>
    /// <param name="name">Of <see cref="Commands"/>.</param>
    /// <param name="given">Switches with their values, as typed.</param>
    public async Task<PaletteAnswer> ExecuteAsync(string name, IEnumerable<(string Switch, string? Value)> given)
    {
        ArgumentNullException.ThrowIfNull(given);
        OperatorReply? reply = null;
        var root = Root(async (_, read, _) =>
        {
            reply = await ReplyAsync(read).ConfigureAwait(false);
            return reply.ExitCode;
        });
        if (Leaves(root).FirstOrDefault(l => l.Name == name) is not { Command: { } command, Path: var path })
        {
            return new PaletteAnswer(false, $"There is no command '{name}'.");
        }

        var (tokens, unknown) = Tokens(path, command, [.. given]);
        if (unknown is not null)
        {
            return new PaletteAnswer(false, $"'{unknown}' is no switch of {name}.");
        }

        var parsed = root.Parse(tokens, Parser);
        if (parsed.Errors.Count > 0)
        {
            return new PaletteAnswer(false, string.Join(' ', parsed.Errors.Select(e => e.Message)));
        }

        await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        return new PaletteAnswer(reply!.Outcome == OperatorOutcome.Done, ReplyRenderer.ToText(reply));
    }

    private static RootCommand Root(Func<ParseResult, Func<OperatorRequest>, CancellationToken, Task<int>> run)
    {
        var commands = new OperatorCommands(run);
        var train = new Command("train");
        foreach (var command in commands.Train(files: false))
        {
            train.Add(command);
        }

        return [commands.Cluster(), commands.Model(), commands.Statistics(), train];
    }

    private static IEnumerable<(string Name, IReadOnlyList<string> Path, Command Command)> Leaves(RootCommand root) =>
        root.Subcommands.SelectMany(group => group.Subcommands.Count == 0
            ? [(group.Name, (IReadOnlyList<string>)[group.Name], group)]
            : group.Subcommands.Select(leaf => ($"{group.Name}-{leaf.Name}", (IReadOnlyList<string>)[group.Name, leaf.Name], leaf)));

    private static IEnumerable<PaletteArgument> Arguments(Command command) =>
    [
        .. command.Arguments.Select(a => new PaletteArgument(
            a.Name, "--" + a.Name, a.Description ?? "", a.Arity.MinimumNumberOfValues > 0, false)),
        .. command.Options.Select(o => new PaletteArgument(
            o.Name.TrimStart('-'), o.Name, o.Description ?? "", o.Required, o.ValueType == typeof(bool))),
    ];

    // Values are joined to their option or stand behind "--", so that none is taken for a switch.
    private static (IReadOnlyList<string> Tokens, string? Unknown) Tokens(
        IReadOnlyList<string> path, Command command, IReadOnlyList<(string Switch, string? Value)> given)
    {
        var known = Arguments(command).Select(a => a.Switch).ToHashSet(StringComparer.Ordinal);
        if (given.FirstOrDefault(g => !known.Contains(g.Switch)) is { Switch: { } unknown })
        {
            return ([], unknown);
        }

        var options = command.Options.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        var positional = command.Arguments.SelectMany(a => given.Where(g => g.Switch == "--" + a.Name).Select(g => g.Value ?? ""));
        var joined = given.Where(g => options.Contains(g.Switch)).Select(g => $"{g.Switch}={g.Value ?? "true"}");
        return ([.. path, .. joined, "--", .. positional], null);
    }

    private async Task<OperatorReply> ReplyAsync(Func<OperatorRequest> read)
    {
        try
        {
            return await operators.ExecuteAsync(read()).ConfigureAwait(false);
        }
        catch (Exception e) when (OperatorCommands.IsMisread(e))
        {
            return OperatorReply.Invalid(e.Message);
        }
    }
}
