using FerActors.Testing.Processes;

namespace FerActors.Testing;

/// <summary>Specs that share the one broker of a run, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class BrokerCollection : ICollectionFixture<BrokerNode>
{
    public const string Name = "broker";
}
