using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Commands.Node;
using FerActors.Host.Configuration;
using FerActors.Host.Operator;
using FerActors.Shared.Options;

namespace FerActors.Host.Commands.Operator;

/// <summary>The commands that talk to a running node; their exit codes are <see cref="OperatorExitCodes"/>.</summary>
internal sealed class OperatorCommandLine
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    // These change what nodes should serve.
    private static readonly HashSet<string> Waiting = ["promote", "rollback", "canary", "shadow"];

    // Above the longest work of a node by default.
    private const double DefaultTimeout = 330;

    private readonly Option<bool> _json = new("--json") { Description = "Prints the whole reply as JSON." };

    private readonly Option<string?> _endpoint = new("--endpoint")
    {
        Description = "unix:PATH or http://HOST:PORT of the node. Default: that of the options Control:Socket and Control:Port.",
    };

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        Description = "File with the token of a TCP endpoint. Default: the environment's FER_Control__TokenFile or FER_Control__Token.",
    };

    private readonly Option<double> _timeout = new("--timeout")
    {
        Description = "Seconds to wait for an answer.",
        DefaultValueFactory = _ => DefaultTimeout,
    };

    private readonly Option<bool> _wait = new("--wait")
    {
        Description = "Waits until every inference node serves it, at most for --timeout, and shows how far they are. Exit code 1 where they do not.",
    };

    private OperatorCommandLine()
    {
    }

    /// <summary>Adds the commands to the root and to its <c>train</c>.</summary>
    public static void AddTo(RootCommand root, Command train)
    {
        var line = new OperatorCommandLine();
        var commands = new OperatorCommands(line.RunAsync, line.Prepare);
        var cluster = commands.Cluster();
        cluster.Add(CertificatesCommand.Create());
        root.Add(cluster);
        var model = commands.Model();
        model.Add(line.Prune());
        model.Add(line.Push());
        root.Add(model);
        root.Add(commands.Statistics());
        foreach (var command in commands.Train())
        {
            train.Add(command);
        }

        train.Add(line.Watch());
    }

    private void Prepare(Command command)
    {
        command.Add(_json);
        command.Add(_endpoint);
        command.Add(_tokenFile);
        command.Add(_timeout);
        if (Waiting.Contains(command.Name))
        {
            command.Add(_wait);
        }
    }

    private Command Prune()
    {
        var keep = new Option<int>("--keep") { Description = "How many stay of those that have no part, the newest ones.", Required = true };
        var dry = new Option<bool>("--dry-run") { Description = "Says which ones it would be, and leaves them." };
        var command = new Command("prune", "Deletes old versions and their files. Never the champion, the previous one, a canary or a shadow.") { keep, dry };
        Prepare(command);
        command.SetAction((parsed, cancellation) => GuardAsync(parsed, async client =>
        {
            var most = parsed.GetValue(keep) is >= 0 and var given ? given : throw new FormatException("--keep is at least 0.");
            Action<string> say = parsed.GetValue(_json) ? _ => { } : parsed.InvocationConfiguration.Output.WriteLine;
            return Show(parsed, await ModelPruning.RunAsync(request => client.AskAsync(request, cancellation), most, parsed.GetValue(dry), say));
        }));
        return command;
    }

    private Command Push()
    {
        var version = new Argument<string>("version") { Description = "The new version's name." };
        var folder = new Argument<string>("folder") { Description = "Model folder on this machine." };
        var parent = new Option<string?>("--parent") { Description = "The version or checkpoint that it was fine-tuned from." };
        var command = new Command("push", "Sends a model folder from this machine to the registry, and registers it as an immutable version.") { version, folder, parent };
        Prepare(command);
        command.SetAction((parsed, cancellation) => GuardAsync(parsed, async client =>
        {
            var sent = 0L;
            await using var elapsed = new ElapsedLine(() => $"{ReplyTables.Size(sent)} sent");
            var reply = await client.PushAsync(
                parsed.GetRequiredValue(version), parsed.GetRequiredValue(folder), parsed.GetValue(parent), bytes => sent = bytes, cancellation);
            return Show(parsed, reply);
        }));
        return command;
    }

    private Command Watch()
    {
        var id = new Argument<string>("run") { Description = "The run's id." };
        var interval = new Option<double>("--interval") { Description = "Seconds between two looks.", DefaultValueFactory = _ => 1 };
        var command = new Command("watch", "Follows a run line by line until it ends; exit code 1 unless its model is registered.")
        {
            id,
            interval,
        };
        Prepare(command);
        command.SetAction((parsed, cancellation) => GuardAsync(parsed, async client =>
        {
            var pause = parsed.GetValue(interval) is > 0 and <= 3600 and var seconds
                ? TimeSpan.FromSeconds(seconds)
                : throw new FormatException("The interval is above 0 and at most 3600 seconds.");
            return await RunWatch.FollowAsync(
                () => client.AskAsync(new TrainRequests.Describe(parsed.GetRequiredValue(id)), cancellation),
                reply => Show(parsed, reply),
                line => parsed.InvocationConfiguration.Output.WriteLine(line),
                parsed.GetValue(_json),
                pause,
                cancellation);
        }));
        return command;
    }

    private Task<int> RunAsync(ParseResult parsed, Func<OperatorRequest> read, CancellationToken cancellation) =>
        GuardAsync(parsed, async client =>
        {
            var request = read();
            var reply = await client.AskAsync(request, cancellation);
            if (reply.Outcome != OperatorOutcome.Done || !parsed.GetValue(_wait))
            {
                return Show(parsed, reply);
            }

            var json = parsed.GetValue(_json);
            Action<string> say = json ? _ => { } : parsed.InvocationConfiguration.Output.WriteLine;
            say(reply.Message);
            return Show(parsed, await ServingWait.FollowAsync(
                request,
                reply,
                () => client.AskAsync(new ModelRequests.Status(), cancellation),
                say,
                TimeSpan.FromSeconds(parsed.GetValue(_timeout)),
                LookEvery,
                TimeProvider.System,
                cancellation));
        });

    private async Task<int> GuardAsync(ParseResult parsed, Func<ControlClient, Task<int>> run)
    {
        try
        {
            using var client = Connect(parsed);
            return await run(client);
        }
        catch (Exception e) when (OperatorCommands.IsMisread(e) || e is ConfigurationException)
        {
            return Show(parsed, OperatorReply.Invalid(e.Message));
        }
    }

    private ControlClient Connect(ParseResult parsed)
    {
        var options = ReadOptions();
        if (parsed.GetValue(_tokenFile) is { } file)
        {
            options = options with { Token = null, TokenFile = file };
        }

        var timeout = parsed.GetValue(_timeout) is > 0 and <= 86_400 and var seconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new FormatException("The timeout is above 0 and at most 86400 seconds.");
        var address = parsed.GetValue(_endpoint) is { } endpoint ? ControlAddress.Parse(endpoint) : ControlAddress.Of(options);
        return new ControlClient(address, address.Server is null ? null : options.ReadToken(), timeout);
    }

    // Of the configuration this section alone: an operator's machine needs nothing of a node's broker and models.
    private static ControlOptions ReadOptions() => FerConfiguration.ReadControl(FerConfiguration.Build(null, []));

    private int Show(ParseResult parsed, OperatorReply reply)
    {
        var invocation = parsed.InvocationConfiguration;
        var terminal = ReferenceEquals(invocation.Output, Console.Out) && !Console.IsOutputRedirected;
        ReplyRenderer.Write(reply, parsed.GetValue(_json), invocation.Output, invocation.Error, terminal);
        return reply.ExitCode;
    }
}
