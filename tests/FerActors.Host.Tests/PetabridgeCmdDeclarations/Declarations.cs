// Hand-written declarations of the part of Petabridge.Cmd's public API that FerActors.Host/PetabridgeCmd uses. They are not
// Petabridge's code: names and shapes are those that public projects call. The packages cannot be restored everywhere, and with these
// the adapter is compiled and run in the tests all the same. That the real packages look like this is not shown by it.
using Akka.Actor;
using Akka.Hosting;

namespace Petabridge.Cmd
{
    public sealed class CommandDefinition(string name, string description, IReadOnlyList<ArgumentDefinition> arguments)
    {
        public string Name => name;

        public string Description => description;

        public IReadOnlyDictionary<string, ArgumentDefinition> ArgumentsByName { get; } = arguments.ToDictionary(a => a.Name);
    }

    public sealed class ArgumentDefinition(string name, bool mandatory, ISet<string> switches)
    {
        public string Name => name;

        public bool IsMandatory => mandatory;

        public ISet<string> Switch => switches;
    }

    public sealed class CommandDefinitionBuilder
    {
        private readonly List<ArgumentDefinition> _arguments = [];
        private string _name = "";
        private string _description = "";

        public CommandDefinitionBuilder WithName(string name)
        {
            _name = name;
            return this;
        }

        public CommandDefinitionBuilder WithDescription(string description)
        {
            _description = description;
            return this;
        }

        public CommandDefinitionBuilder WithArgument(Func<ArgumentDefinitionBuilder, ArgumentDefinitionBuilder> build)
        {
            _arguments.Add(build(new ArgumentDefinitionBuilder()).Build());
            return this;
        }

        public CommandDefinition Build() => new(_name, _description, _arguments);
    }

    public sealed class ArgumentDefinitionBuilder
    {
        private readonly HashSet<string> _switches = [];
        private string _name = "";
        private bool _mandatory;

        public ArgumentDefinitionBuilder WithName(string name)
        {
            _name = name;
            return this;
        }

        public ArgumentDefinitionBuilder WithDescription(string description) => this;

        public ArgumentDefinitionBuilder IsMandatory(bool mandatory)
        {
            _mandatory = mandatory;
            return this;
        }

        public ArgumentDefinitionBuilder WithSwitch(string text)
        {
            _switches.Add(text);
            return this;
        }

        public ArgumentDefinitionBuilder WithDefaultValues(params string[] values) => this;

        internal ArgumentDefinition Build() => new(_name, _mandatory, _switches);
    }

    public sealed class CommandPalette(string name, IEnumerable<CommandDefinition> commands)
    {
        public string ModuleName => name;

        public IReadOnlyList<CommandDefinition> Commands { get; } = [.. commands];
    }

    public sealed class Command(CommandDefinition definition, IReadOnlyList<Tuple<string, string>> arguments)
    {
        public CommandDefinition Definition => definition;

        public IReadOnlyList<Tuple<string, string>> Arguments => arguments;
    }

    public class CommandResponse(string message, bool final = true)
    {
        public string Message => message;

        public bool Final => final;
    }

    public sealed class ErroredCommandResponse(string message, bool final = true) : CommandResponse(message, final);
}

namespace Petabridge.Cmd.Host
{
    public sealed class PetabridgeCmdOptions
    {
        public string? Host { get; set; }

        public int Port { get; set; }
    }

    public sealed class PetabridgeCmd(ExtendedActorSystem system)
    {
        private readonly List<CommandPaletteHandler> _handlers = [];

        public ExtendedActorSystem Sys => system;

        public IReadOnlyList<CommandPaletteHandler> Handlers => _handlers;

        public bool RegisterCommandPalette(CommandPaletteHandler handler)
        {
            _handlers.Add(handler);
            return true;
        }
    }

    public abstract class CommandPaletteHandler(CommandPalette palette)
    {
        public CommandPalette CommandPalette => palette;

        public abstract Props HandlerProps { get; }
    }

    public abstract class CommandHandlerActor(CommandPalette palette) : ReceiveActor
    {
        protected void Process(string name, Action<Command> handle)
        {
            if (palette.Commands.All(c => c.Name != name))
            {
                throw new ArgumentException($"The palette has no command {name}.", nameof(name));
            }

            Receive<Command>(c => c.Definition.Name == name, handle);
        }
    }

    public static class PetabridgeCmdHostingExtensions
    {
        /// <summary>The one that was added last, for the test to look at.</summary>
        public static (PetabridgeCmdOptions Options, PetabridgeCmd Cmd)? Added { get; private set; }

        public static AkkaConfigurationBuilder AddPetabridgeCmd(
            this AkkaConfigurationBuilder builder, PetabridgeCmdOptions options, Action<PetabridgeCmd> hostConfiguration) =>
            builder.AddStartup((system, _) =>
            {
                var cmd = new PetabridgeCmd((ExtendedActorSystem)system);
                hostConfiguration(cmd);
                Added = (options, cmd);
            });
    }
}

namespace Petabridge.Cmd.Cluster
{
    public sealed class ClusterCommands : Host.CommandPaletteHandler
    {
        private ClusterCommands()
            : base(new CommandPalette("cluster", []))
        {
        }

        public static ClusterCommands Instance { get; } = new();

        public override Props HandlerProps => Props.Empty;
    }
}
