using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using Petabridge.Cmd;
using Petabridge.Cmd.Cluster;
using Petabridge.Cmd.Host;

namespace FerActors.Host.PetabridgeCmd;

/// <summary>The palette <c>fer</c> of Petabridge.Cmd. It only carries texts; what they mean is <see cref="OperatorPalette"/>'s.</summary>
public sealed class FerCommands : CommandPaletteHandler
{
    internal static readonly CommandPalette Palette = new(OperatorPalette.Name, [.. OperatorPalette.Commands.Select(Define)]);

    public FerCommands(OperatorService operators)
        : base(Palette) =>
        HandlerProps = Props.Create(() => new FerCommandHandler(operators));

    /// <summary>One handler for each connected client.</summary>
    public override Props HandlerProps { get; }

    private static CommandDefinition Define(PaletteCommand command)
    {
        var definition = new CommandDefinitionBuilder().WithName(command.Name).WithDescription(command.Description);
        foreach (var argument in command.Arguments)
        {
            definition = definition.WithArgument(b =>
            {
                var described = b
                    .WithName(argument.Name)
                    .WithDescription(argument.Description)
                    .IsMandatory(argument.Mandatory)
                    .WithSwitch(argument.Switch);
                return argument.Flag ? described.WithDefaultValues("true", "false") : described;
            });
        }

        return definition.Build();
    }
}

/// <summary>Answers one client. Every way ends with a final response, since the client waits for one.</summary>
internal sealed class FerCommandHandler : CommandHandlerActor
{
    public FerCommandHandler(OperatorService operators)
        : base(FerCommands.Palette)
    {
        var palette = new OperatorPalette(operators);
        foreach (var name in OperatorPalette.Commands.Select(c => c.Name))
        {
            Process(name, command =>
            {
                var given = new List<(string, string?)>();
                foreach (var argument in command.Arguments)
                {
                    given.Add((argument.Item1, argument.Item2));
                }

                palette.ExecuteAsync(name, given).PipeTo(
                    Sender,
                    Self,
                    answer => answer.Done ? new CommandResponse(answer.Text) : new ErroredCommandResponse(answer.Text),
                    failure => new ErroredCommandResponse(failure.Message));
            });
        }
    }
}

/// <summary>Adds Petabridge.Cmd to a node.</summary>
public static class PetabridgeCmdHosting
{
    /// <summary>Listens on <see cref="ControlOptions.PbmPort"/>, which must be set. Palettes: <c>cluster</c> and <c>fer</c>.</summary>
    public static AkkaConfigurationBuilder AddFerPalette(this AkkaConfigurationBuilder builder, ControlOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        return builder.AddPetabridgeCmd(
            new PetabridgeCmdOptions { Host = options.PbmAddress, Port = options.PbmPort!.Value },
            cmd =>
            {
                cmd.RegisterCommandPalette(ClusterCommands.Instance);
                cmd.RegisterCommandPalette(new FerCommands(new OperatorService(
                    cmd.Sys, ActorRegistry.For(cmd.Sys), options.AnswerTimeout, options.WorkTimeout)));
            });
    }
}
