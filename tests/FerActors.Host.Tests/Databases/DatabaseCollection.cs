using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Databases;

/// <summary>Specs that share the one server of a run, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class DatabaseCollection : ICollectionFixture<PostgresNode>
{
    public const string Name = "database";
}
