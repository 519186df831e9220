using Akka.Hosting;
using FerActors.Host.Node;
using FerActors.Host.PetabridgeCmd;
using FerActors.Shared.Options;

namespace FerActors.Host.Composition;

public static partial class ControlEndpoint
{
    static partial void AddPalette(AkkaConfigurationBuilder builder, ControlOptions options) => builder.AddFerPalette(options);
}
