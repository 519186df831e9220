using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class PersistenceOptionsSpecs
{
    private const string Secret = "s3cret-word";

    [Fact]
    public void By_default_there_is_a_file_under_data()
    {
        Assert.Empty(new PersistenceOptions().Validate());
        Assert.Equal("Data Source=data/journal.db", new PersistenceOptions().ReadConnectionString());
    }

    [Fact]
    public void PostgreSql_needs_to_be_told_where()
    {
        var error = Assert.Single(new PersistenceOptions { Provider = PersistenceProvider.PostgreSql }.Validate());

        Assert.Contains("ConnectionString", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_stands_in_no_error_and_in_no_text()
    {
        var good = new PersistenceOptions { ConnectionString = $"Host=db;Password={Secret}" };
        var bad = new PersistenceOptions { ConnectionString = $"Host=db;Pass\0word {Secret}", ConnectionStringFile = "no-such-file" };

        Assert.DoesNotContain(Secret, good.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, string.Concat(bad.Validate()), StringComparison.Ordinal);
        Assert.Equal(3, bad.Validate().Count);
        Assert.DoesNotContain(Secret, Assert.Throws<FormatException>(bad.ReadConnectionString).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_may_come_from_a_file()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "Host=db\n");

            Assert.Equal("Host=db", new PersistenceOptions { ConnectionStringFile = file }.ReadConnectionString());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_file_of_one_machine_is_refused_as_the_journal_of_a_cluster()
    {
        var cluster = new ClusterOptions { Alone = false, SeedNodes = ["akka.tcp://FerActors@n1:5055"] };

        var refused = new FerOptions { Cluster = cluster }.Validate();
        var serving = new FerOptions { Cluster = cluster with { Roles = ["inference"] } }.Validate();

        Assert.Contains("PostgreSql", Assert.Single(refused), StringComparison.Ordinal);
        Assert.Empty(serving);
    }

    [Fact]
    public void The_only_seed_on_loopback_may_keep_its_journal_in_a_file()
    {
        var seed = new ClusterOptions { Alone = false, Port = 5055, SeedNodes = ["127.0.0.1:5055"] };

        Assert.Empty(new FerOptions { Cluster = seed }.Validate());
        Assert.Single(new FerOptions { Cluster = seed with { Port = 5056 } }.Validate());
        Assert.Single(new FerOptions { Cluster = seed with { SeedNodes = ["127.0.0.1:5055", "127.0.0.1:5056"] } }.Validate());
    }
}
