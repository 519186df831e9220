using Akka.Hosting;
using FerActors.Host.PetabridgeCmd;
using FerActors.Shared.Options;

namespace FerActors.Host.Node;

public static partial class ControlEndpoint
{
    static partial void AddPalette(AkkaConfigurationBuilder builder, ControlOptions options) => builder.AddFerPalette(options);
}
