using System.Data.Common;
using System.Globalization;
using Akka.Actor;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Processes;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FerActors.Host.Tests.Databases;

/// <summary>The supervisor and the registry on the journals that the product knows.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class JournalSpecs(PostgresNode postgres) : IDisposable
{
    private static readonly ModelVersionId V1 = ModelVersionId.Parse("v1");
    private static readonly ModelVersionId V2 = ModelVersionId.Parse("v2");
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [SkippableTheory]
    [InlineData(PersistenceProvider.Sqlite)]
    [InlineData(PersistenceProvider.PostgreSql)]
    public async Task Supervisor_and_registry_come_back_from_the_journal_and_from_a_snapshot_alone(PersistenceProvider provider)
    {
        const int runs = 34;
        const int swings = 50;
        var journal = await ConnectionAsync(provider);
        RunList known;
        RegistryStatus status;
        await using (var node = await StartAsync(provider, journal))
        {
            // Each leaves three events: submitted, assigned, failed.
            for (var i = 0; i < runs; i++)
            {
                Assert.Equal(CommandCode.Accepted, (await node.CommandAsync(Submit(i))).Code);
            }

            await node.RunWhen(Id(runs - 1), r => r.Run.State == RunState.Failed);
            await Done(node, new RegistryCommands.Register(V1, Surroundings.ShippedModel, ModelProvenance.Unknown));
            await Done(node, new RegistryCommands.Register(V2, Surroundings.ShippedModel, ModelProvenance.Unknown));
            await Done(node, new RegistryCommands.Promote(V1));
            for (var i = 0; i < swings; i++)
            {
                await Done(node, new RegistryCommands.SetShadow(V2, 0.5));
                await Done(node, RegistryCommands.EndShadow.Instance);
            }

            known = await ListAsync(node);
            status = await node.StatusWhen(s => s.Announced);
        }

        Assert.Equal(runs, known.Runs.Count);
        Assert.All(known.Runs, r => Assert.Equal(RunState.Failed, r.Run.State));
        await AssertKnownAsync(provider, journal, known, status);

        // What a snapshot stands for is not needed any more.
        foreach (var id in new[] { "training-supervisor", "model-registry" })
        {
            var last = await ScalarAsync(provider, journal, $"select max(sequence_number) from snapshot where persistence_id = '{id}'");
            Assert.InRange(last, 100, 200);
            await ScalarAsync(provider, journal, $"delete from journal where persistence_id = '{id}' and sequence_number <= {last}");
        }

        await AssertKnownAsync(provider, journal, known, status);
    }

    [SkippableFact]
    public async Task A_database_that_dies_makes_commands_fail_with_a_sentence_and_everything_goes_on_once_it_is_back()
    {
        var journal = await ConnectionAsync(PersistenceProvider.PostgreSql);
        await using var node = await StartAsync(PersistenceProvider.PostgreSql, journal);
        Assert.Equal(CommandCode.Accepted, (await node.CommandAsync(Submit(0))).Code);
        await node.RunWhen(Id(0), r => r.Run.State == RunState.Failed);
        await Done(node, new RegistryCommands.Register(V1, Surroundings.ShippedModel, ModelProvenance.Unknown));

        await postgres.KillAsync();
        var (training, registry) = (await RefusedAsync(node), await FailedAsync(node));
        await postgres.StartAsync();

        Assert.Contains("journal", training.Sentence, StringComparison.Ordinal);
        Assert.Contains("journal", registry.Message, StringComparison.Ordinal);
        await AcceptedAsync(node);
        await node.RunWhen(Id(1), r => r.Run.State == RunState.Failed);
        Assert.Equal([Id(0), Id(1)], (await ListAsync(node)).Runs.Select(r => r.Run.Spec.Id));
        await DoneAgainAsync(node);
        Assert.Equal(V1, (await node.StatusWhen(s => s.Announced)).Desired.Champion!.Version);
    }

    private static RunId Id(int number) => RunId.Parse(string.Create(CultureInfo.InvariantCulture, $"run-{number}"));

    // Its data does not exist, so that it fails at once.
    private TrainingCommands.Submit Submit(int number) => new(new RunSpec(
        Id(number), "none", "{}", Path.Combine(_data.Folder, "none.csv"), null, 0, ModelVersionId.Parse(Id(number).Value)));

    private async Task<string> ConnectionAsync(PersistenceProvider provider)
    {
        if (provider == PersistenceProvider.Sqlite)
        {
            return $"Data Source={_data.Journal}";
        }

        Skip.If(postgres.Absence.Length > 0, postgres.Absence);
        return await postgres.CreateDatabaseAsync();
    }

    private Task<ServiceNode> StartAsync(PersistenceProvider provider, string connection) => ServiceNode.StartAsync(
        _data,
        "Cluster:Roles:0=control",
        "Cluster:Roles:1=training",
        $"Persistence:Provider={provider}",
        $"Persistence:ConnectionString={connection}");

    private async Task AssertKnownAsync(PersistenceProvider provider, string journal, RunList runs, RegistryStatus status)
    {
        await using var node = await StartAsync(provider, journal);
        var again = await node.StatusWhen(s => s.Announced);
        Assert.Equal(runs.Runs, (await ListAsync(node)).Runs);
        Assert.Equal((status.Sequence, V1), (again.Sequence, again.Desired.Champion!.Version));
        Assert.Equal(
            [V1, V2],
            (await node.Registry.Ask<ModelList>(RegistryQueries.List.Instance, ServiceNode.Patience)).Models.Select(m => m.Model.Version));
    }

    private static async Task<RunList> ListAsync(ServiceNode node) =>
        await node.Supervisor.Ask<RunList>(TrainingQueries.List.Instance, ServiceNode.Patience);

    private static async Task Done(ServiceNode node, IRegistryCommand command)
    {
        var reply = await node.RegistryAsync(command);
        Assert.True(reply.Code == RegistryCode.Done, reply.Message);
    }

    private Task<CommandResult> RefusedAsync(ServiceNode node) => AnswerAsync<CommandResult>(
        node.Supervisor, Submit(1), r => r.Code == CommandCode.Unavailable);

    private Task<CommandResult> AcceptedAsync(ServiceNode node) => AnswerAsync<CommandResult>(
        node.Supervisor, Submit(1), r => r.Code is CommandCode.Accepted or CommandCode.NoChange);

    private static Task<RegistryReply> FailedAsync(ServiceNode node) => AnswerAsync<RegistryReply>(
        node.Registry, new RegistryCommands.Promote(V1), r => r.Code == RegistryCode.Failed);

    private static Task<RegistryReply> DoneAgainAsync(ServiceNode node) => AnswerAsync<RegistryReply>(
        node.Registry, new RegistryCommands.Promote(V1), r => r.Succeeded);

    // While an actor reads its journal it answers nobody: a command that got no answer is sent again, as an operator would.
    private static async Task<T> AnswerAsync<T>(IActorRef actor, object command, Func<T, bool> expected)
    {
        using var patience = new CancellationTokenSource(ServiceNode.Patience);
        while (true)
        {
            try
            {
                var answer = await actor.Ask<T>(command, Short, patience.Token);
                if (expected(answer))
                {
                    return answer;
                }
            }
            catch (AskTimeoutException)
            {
                patience.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<long> ScalarAsync(PersistenceProvider provider, string connection, string sql)
    {
        await using DbConnection database =
            provider == PersistenceProvider.Sqlite ? new SqliteConnection(connection) : new NpgsqlConnection(connection);
        await database.OpenAsync();
        await using var command = database.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
