using System.CommandLine;
using System.Globalization;
using FerActors.Host.Operator;
using FerActors.Training.Configuration;

namespace FerActors.Host.Commands.Operator;

/// <summary>
/// What an operator types, as requests: <c>cluster</c>, <c>model</c> and <c>stats</c>, and the sub-commands of <c>train</c>. The
/// command line and pbm share it.
/// </summary>
/// <param name="run">
/// Carries a request out and says the exit code. The request is read when it is called, and throws what <see cref="IsMisread"/> knows.
/// </param>
/// <param name="prepare">Adds what every command of the surface has.</param>
internal sealed class OperatorCommands(
    Func<ParseResult, Func<OperatorRequest>, CancellationToken, Task<int>> run, Action<Command>? prepare = null)
{
    private const string AddressForm = "akka.tcp://FerActors@HOST:PORT or HOST:PORT.";

    public Command Cluster()
    {
        var address = new Argument<string>("address") { Description = AddressForm };
        var own = new Argument<string?>("address")
        {
            Description = $"{AddressForm} The node that answers where absent.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return new Command("cluster", "Shows and changes the membership, as the node that answers sees it.")
        {
            Leaf("show", "Lists the members.", [], _ => new ClusterRequests.Show()),
            Leaf("leave", "Lets a member finish its work and go.", [own], p => new ClusterRequests.Leave(p.GetValue(own))),
            Leaf(
                "down",
                "Removes a member at once; for one that is dead. A process that still runs there ends with exit code 3.",
                [address],
                p => new ClusterRequests.Down(p.GetRequiredValue(address))),
            Leaf("down-unreachable", "Removes every member that the node cannot reach.", [], _ => new ClusterRequests.DownUnreachable()),
        };
    }

    public Command Model()
    {
        var version = new Argument<string>("version") { Description = "The version's name." };
        var force = new Option<bool>("--force") { Description = "Past gates that refuse; the journal keeps which." };
        var reason = new Option<string>("--reason") { Description = "Why; the journal keeps it.", Required = true };
        var folder = new Argument<string>("folder") { Description = "Model folder, as the registry's node sees it." };
        var parent = new Option<string?>("--parent") { Description = "The version or checkpoint that it was fine-tuned from." };
        var sha = new Option<string?>("--weights-sha256") { Description = "What the weights must hash to." };
        return new Command("model", "Shows and changes which model versions serve.")
        {
            Leaf("list", "Lists the versions.", [], _ => new ModelRequests.List()),
            Leaf(
                "describe",
                "Shows a version with its figures, origin and files.",
                [version],
                p => new ModelRequests.Describe(p.GetRequiredValue(version))),
            Leaf("status", "Shows what should serve and how far each node is.", [], _ => new ModelRequests.Status()),
            Leaf(
                "register",
                "Copies a model folder into the registry as an immutable version.",
                [version, folder, parent, sha],
                p => new ModelRequests.Register(
                    p.GetRequiredValue(version), Path.GetFullPath(p.GetRequiredValue(folder)), p.GetValue(parent), p.GetValue(sha))),
            Leaf("verify", "Hashes a version's files again.", [version], p => new ModelRequests.Verify(p.GetRequiredValue(version))),
            Leaf(
                "promote",
                "Makes a version the champion, if the gates let it pass.",
                [version, force],
                p => new ModelRequests.Promote(p.GetRequiredValue(version), p.GetValue(force))),
            Leaf(
                "rollback",
                "Makes the previous champion the champion again.",
                [reason],
                p => new ModelRequests.Rollback(p.GetRequiredValue(reason))),
            Challenge(
                "canary",
                "Lets a version answer a share of the images.",
                (v, s) => new ModelRequests.Canary(v, s),
                new ModelRequests.EndCanary()),
            Challenge(
                "shadow",
                "Compares a version on a share of the images; it never answers.",
                (v, s) => new ModelRequests.Shadow(v, s),
                new ModelRequests.EndShadow()),
            Leaf(
                "quarantine",
                "Bars a version from serving for ever.",
                [version, reason],
                p => new ModelRequests.Quarantine(p.GetRequiredValue(version), p.GetRequiredValue(reason))),
            Leaf("delete", "Removes a version and its files.", [version], p => new ModelRequests.Delete(p.GetRequiredValue(version))),
        };
    }

    public Command Statistics() => Leaf(
        "stats", "Shows the counts of the node that answers, and what every inference node serves.", [], _ => new StatisticsRequest());

    /// <summary>The sub-commands of <c>train</c> that the training supervisor carries out.</summary>
    /// <param name="files">A submission may name a file of the machine that reads it.</param>
    public IEnumerable<Command> Train(bool files = true)
    {
        var id = new Argument<string>("run") { Description = "The run's id." };
        var force = new Option<bool>("--force") { Description = "Past gates that refuse; the journal keeps which." };
        var submission = new RunSubmission(files);
        yield return Leaf("submit", "Queues a run with the training supervisor.", submission.Symbols, submission.Read);
        yield return Leaf("list", "Lists the supervisor's runs.", [], _ => new TrainRequests.List());
        yield return Leaf(
            "describe", "Shows a run with its options and progress.", [id], p => new TrainRequests.Describe(p.GetRequiredValue(id)));
        yield return Leaf("pause", "Stops a run with a checkpoint.", [id], p => new TrainRequests.Pause(p.GetRequiredValue(id)));
        yield return Leaf("resume", "Queues a paused run again.", [id], p => new TrainRequests.Resume(p.GetRequiredValue(id)));
        yield return Leaf("cancel", "Ends a run.", [id], p => new TrainRequests.Cancel(p.GetRequiredValue(id)));
        yield return Leaf(
            "promote",
            "Promotes the version that a finished run was registered as.",
            [id, force],
            p => new TrainRequests.Promote(p.GetRequiredValue(id), p.GetValue(force)));
        yield return Leaf(
            "delete", "Forgets a run that has ended; its folder stays.", [id], p => new TrainRequests.Delete(p.GetRequiredValue(id)));
    }

    /// <summary>What reading a request throws where the operator is to mend it.</summary>
    public static bool IsMisread(Exception e) => e is
        FormatException or TrainingConfigurationException or IOException or UnauthorizedAccessException;

    /// <summary>A share as <c>0.05</c> or <c>5%</c>; whether it is in range is the registry's to say.</summary>
    /// <exception cref="FormatException">It is no number.</exception>
    internal static double Share(string text)
    {
        var percent = text.EndsWith('%');
        var number = percent ? text[..^1] : text;
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? percent ? value / 100 : value
            : throw new FormatException($"The share '{text}' is no number like 0.05 or 5%.");
    }

    private Command Challenge(string name, string description, Func<string, double, OperatorRequest> begin, OperatorRequest end)
    {
        var version = new Argument<string?>("version") { Description = "The version's name.", Arity = ArgumentArity.ZeroOrOne };
        var share = new Argument<string?>("share") { Description = "Share of the images: 0.05 or 5%.", Arity = ArgumentArity.ZeroOrOne };
        var ending = new Option<bool>("--end") { Description = $"Ends the {name}." };
        return Leaf(name, description, [version, share, ending], p => (p.GetValue(ending), p.GetValue(version), p.GetValue(share)) switch
        {
            (true, null, null) => end,
            (false, { } v, { } s) => begin(v, Share(s)),
            _ => throw new FormatException($"Give either a version and its share, or --end: fer model {name} VERSION 5%."),
        });
    }

    private Command Leaf(string name, string description, IReadOnlyList<Symbol> symbols, Func<ParseResult, OperatorRequest> read)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Add(argument);
            }
            else
            {
                command.Add((Option)symbol);
            }
        }

        prepare?.Invoke(command);
        command.SetAction((parsed, cancellation) => run(parsed, () => read(parsed), cancellation));
        return command;
    }
}
