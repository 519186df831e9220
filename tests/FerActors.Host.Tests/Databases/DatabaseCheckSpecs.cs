using FerActors.Host.Doctor;
using FerActors.Host.Node;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace FerActors.Host.Tests.Databases;

/// <summary>What <c>fer doctor</c> says of a PostgreSQL server.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class DatabaseCheckSpecs(PostgresNode postgres)
{
    [SkippableFact]
    public async Task A_database_without_tables_is_a_failure_where_nodes_may_not_make_them_and_its_clock_is_compared()
    {
        Skip.If(postgres.Absence.Length > 0, postgres.Absence);
        var persistence = new PersistenceOptions
        {
            Provider = PersistenceProvider.PostgreSql,
            ConnectionString = await postgres.CreateDatabaseAsync(),
            AutoInitialize = false,
        };

        var before = await LookAsync(persistence);
        await JournalTables.EnsureAsync(persistence, new ConfigurationBuilder().Build(), TimeSpan.FromMinutes(1), CancellationToken.None);
        var after = await LookAsync(persistence);

        Assert.Contains(before, finding => finding is { Check: "database", Level: FindingLevel.Failure } && finding.Remedy!.Contains("fer migrate", StringComparison.Ordinal));
        Assert.Contains(after, finding => finding is { Check: "database", Level: FindingLevel.Ok });
        Assert.Contains(after, finding => finding is { Check: "clock", Level: FindingLevel.Ok } && finding.Text.Contains("the database's", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_database_that_is_not_there_is_a_sentence_without_the_password()
    {
        Skip.If(postgres.Absence.Length > 0, postgres.Absence);
        var connection = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync()) { Database = "nowhere", Password = "s3cret" };

        var findings = await LookAsync(new PersistenceOptions { Provider = PersistenceProvider.PostgreSql, ConnectionString = connection.ConnectionString });

        var failure = Assert.Single(findings);
        Assert.Equal(FindingLevel.Failure, failure.Level);
        Assert.Contains("nowhere", failure.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.ToString(), StringComparison.Ordinal);
    }

    private static Task<IReadOnlyList<Finding>> LookAsync(PersistenceOptions persistence) => Examination.RunAsync(
        new DatabaseChecks(new FerOptions { Persistence = persistence }).All(), _ => { }, _ => { }, CancellationToken.None);
}
