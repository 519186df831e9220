using Akka.Cluster;
using Akka.DistributedData;
using FerActors.Shared.Registry;
using FerActors.Testing.Files;
using FerActors.Testing.Models;
using FerActors.Vision.Model;
using Microsoft.Data.Sqlite;
using static FerActors.Shared.Registry.RegistryCommands;
using static FerActors.Shared.Registry.RegistryQueries;
using Delete = FerActors.Shared.Registry.RegistryCommands.Delete;

namespace FerActors.Control.Tests.Registry;

public sealed class ModelRegistryActorSpecs : IAsyncLifetime
{
    private static readonly ModelVersionId V1 = ModelVersionId.Parse("v1");
    private static readonly ModelVersionId V2 = ModelVersionId.Parse("v2");
    private static readonly ModelVersionId V3 = ModelVersionId.Parse("v3");

    private readonly TemporaryFolder _folder = new();
    private RegistryNode _node = null!;

    public async Task InitializeAsync() => _node = await RegistryNode.StartAsync(_folder.Root);

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_is_promoted_is_told_to_all_nodes_under_the_journals_clock_and_told_again_after_a_restart()
    {
        await Register(V1, 1);
        Assert.Equal(RegistryCode.Done, (await _node.Do(new Promote(V1))).Code);
        await _node.StatusWhen(s => s.Announced);
        var told = await _node.Desired();
        Assert.Equal((2L, 2L, V1), (told.Timestamp, told.Value.Sequence, told.Value.Champion!.Version));
        Assert.Equal(64, told.Value.Champion.WeightsSha256.Length);

        // The replicator forgets all when its last node goes; the journal does not.
        await _node.DisposeAsync();
        _node = await RegistryNode.StartAsync(_folder.Root);
        var status = await _node.StatusWhen(s => s.Announced);

        var again = await _node.Desired();
        Assert.Equal((told.Timestamp, told.Value), (again.Timestamp, again.Value));
        Assert.Equal((2L, told.Value, (string?)null), (status.Sequence, status.Desired, status.Alarm));
        Assert.Equal(["champion"], Assert.Single((await _node.Ask<ModelList>(List.Instance)).Models).Aliases);
        Assert.Equal("fail", Setting("replay-filter.mode"));
    }

    [Fact]
    public async Task A_name_is_free_until_a_model_has_it_and_stays_bound_after_it_is_deleted()
    {
        var before = await _node.Do(new IsFree(V1));
        await Register(V1, 1);
        var registered = await _node.Do(new IsFree(V1));
        await _node.Do(new Delete(V1));
        var deleted = await _node.AnswerWhen<RegistryReply>(new IsFree(V1), r => r.Code != RegistryCode.Busy);

        Assert.Equal((RegistryCode.Done, RegistryCode.Refused, RegistryCode.Refused), (before.Code, registered.Code, deleted.Code));
        Assert.StartsWith("v1 is registered already", registered.Message, StringComparison.Ordinal);
        Assert.StartsWith("v1 was deleted", deleted.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quorum_of_failed_nodes_rolls_back_exactly_once()
    {
        await Register(V1, 1);
        await Register(V2, 2);
        await _node.Do(new Promote(V1));
        Assert.Equal(4, (await _node.Do(new Promote(V2))).Sequence);

        await _node.Say(4, "v2", ModelPhase.Loading);
        var loading = await _node.StatusWhen(s => s.Nodes is [{ Status: not null }]);
        Assert.Equal((V2, false, (string?)null), (loading.Desired.Champion!.Version, loading.Converged, loading.LastRollback));
        await _node.Say(4, "v2", ModelPhase.Failed, "It answers nonsense.");
        var back = await _node.StatusWhen(s => s.LastRollback is not null && s.Announced);

        Assert.Equal((V1, V2), (back.Desired.Champion!.Version, back.Previous));
        Assert.Equal("1 of 1 nodes failed on v2, among them node-1: It answers nonsense.", back.LastRollback);
        Assert.Equal(5, (await _node.Desired()).Timestamp);
        Assert.Equal(back.LastRollback, (await _node.Ask<ModelDescription>(new Describe(V2))).Model.Quarantine);

        // The same words again, in a changed map, find nothing that is still desired.
        await _node.Say(4, "v2", ModelPhase.Failed, "It answers nonsense, I said.");
        await _node.StatusWhen(s => s.Nodes is [{ Status.Slots: [{ Reason: "It answers nonsense, I said." }] }]);
        await _node.Say(5, "v1", ModelPhase.Serving);
        var settled = await _node.StatusWhen(s => s.Converged);
        Assert.Equal((6L, (string?)null), (settled.Sequence, settled.Alarm));
        Assert.Equal(6, Persisted());
        Assert.Equal(RegistryCode.Refused, (await _node.Do(new Promote(V2, Force: true))).Code);

        // There is nothing left to return to: a person has to look.
        await _node.Say(5, "v1", ModelPhase.Failed, "It too.");
        var alarmed = await _node.StatusWhen(s => s.Alarm is not null);
        Assert.Contains("v1 fails and there is nothing to roll back to", alarmed.Alarm, StringComparison.Ordinal);
        Assert.Equal(6, Persisted());
    }

    [Fact]
    public async Task What_is_refused_is_not_persisted()
    {
        await Register(V1, 1, right: 4);
        await Register(V2, 2, right: 2);
        await _node.Do(new Promote(V1));

        var gates = await _node.Do(new Promote(V2));
        Assert.Equal((RegistryCode.GateRefused, "accuracy"), (gates.Code, gates.Gates[0].Gate));
        Assert.Equal(RegistryCode.Refused, (await _node.Do(new Rollback("Why not."))).Code);
        Assert.Equal(RegistryCode.Invalid, (await _node.Do(new Rollback(" "))).Code);
        Assert.Equal(RegistryCode.Invalid, (await _node.Do(new Quarantine(V2, new string('x', 5000)))).Code);
        Assert.Equal(RegistryCode.Refused, (await _node.Do(new Delete(V1))).Code);
        Assert.Equal(RegistryCode.NotFound, (await _node.Do(new Promote(V3))).Code);
        Assert.Equal(RegistryCode.NotFound, (await _node.Do(new Describe(V3))).Code);
        Assert.Equal(RegistryCode.Invalid, (await _node.Do(new SetCanary(V2, 2))).Code);
        Assert.Equal(RegistryCode.Invalid, (await _node.Do(new Register(V3, "/no/such/folder", ModelProvenance.Unknown))).Code);
        Assert.Equal(RegistryCode.Refused, (await _node.Do(new Register(V1, Source(3), ModelProvenance.Unknown))).Code);
        Assert.Equal(RegistryCode.Unchanged, (await _node.Do(new Register(V1, Source(1, 4), ModelProvenance.Unknown))).Code);

        // What is damaged on the disk never leaves for the nodes.
        var readme = Path.Combine(_folder.Root, "versions", "v2", "README.md");
        File.Delete(readme);
        Assert.Equal(RegistryCode.Failed, (await _node.Do(new Promote(V2, Force: true))).Code);
        Assert.Equal(RegistryCode.Failed, (await _node.Do(new Verify(V2))).Code);
        Assert.Equal(RegistryCode.Done, (await _node.Do(new Verify(V1))).Code);

        Assert.Equal(3, (await _node.StatusWhen(_ => true)).Sequence);
        Assert.Equal(3, Persisted());
    }

    [Fact]
    public async Task A_deleted_versions_files_go_and_snapshots_stand_in_for_the_journal_two_at_a_time()
    {
        await Register(V1, 1);
        await Register(V2, 2);
        await _node.Do(new Promote(V1));
        Assert.Equal(RegistryCode.Done, (await _node.Do(new Delete(V2))).Code);
        await Until(() => !Directory.Exists(Path.Combine(_folder.Root, "versions", "v2")));

        // The files may be gone a moment before the registry knows.
        RegistryCode again;
        do
        {
            again = (await _node.Do(new Register(V2, Source(2), ModelProvenance.Unknown))).Code;
        }
        while (again == RegistryCode.Busy);
        Assert.Equal(RegistryCode.Done, again);

        for (var i = 0; i < 320; i++)
        {
            Assert.Equal(RegistryCode.Done, (await _node.Do(i % 2 == 0 ? new SetShadow(V2, 0.5) : EndShadow.Instance)).Code);
        }

        await Until(() => Count("snapshot") == 2);
        await _node.DisposeAsync();
        _node = await RegistryNode.StartAsync(_folder.Root);
        var status = await _node.StatusWhen(s => s.Announced);

        Assert.Equal((325L, V1), (status.Sequence, status.Desired.Champion!.Version));
        Assert.Equal(325, Persisted());
        Assert.Equal(2, (await _node.Ask<ModelList>(List.Instance)).Models.Count);
    }

    [Fact]
    public void What_nodes_share_crosses_the_wire_as_protobuf()
    {
        var pointer = new ModelPointer(V1, "v1", new Dictionary<string, string> { [VitCheckpoint.WeightsFileName] = "00" });
        var desired = new DesiredModels(7, pointer, new SecondModel(pointer with { Version = V2 }, 0.5));
        var self = Cluster.Get(_node.System).SelfUniqueAddress;
        var register = new LWWRegister<DesiredModels>(self, desired, (_, v) => v.Sequence);
        var slot = new ModelSlotStatus(ModelSlot.Canary, "v2", "00", ModelPhase.Warming, null, DateTimeOffset.UnixEpoch);
        var status = new NodeModelStatus("a", "n", 7, [slot]);
        var map = LWWDictionary<string, NodeModelStatus>.Empty.SetItem(self, "a", status);

        Assert.Equal((7L, desired), (RoundTrip(register).Timestamp, RoundTrip(register).Value));
        Assert.Equal(status, RoundTrip(map).Entries["a"]);
    }

    private T RoundTrip<T>(T data)
        where T : notnull
    {
        var serializer = (Akka.Serialization.SerializerWithStringManifest)_node.System.Serialization.FindSerializerFor(data);
        return (T)serializer.FromBinary(serializer.ToBinary(data), serializer.Manifest(data));
    }

    private string Setting(string name) => _node.System.Settings.Config.GetString($"akka.persistence.journal-plugin-fallback.{name}");

    private string Source(int seed, int right = 3)
    {
        var folder = Path.Combine(_folder.Root, $"model-{seed}-{right}");
        return Directory.Exists(folder) ? folder : SmallModel.Write(folder, seed, right);
    }

    private async Task Register(ModelVersionId version, int seed, int right = 3) =>
        Assert.Equal(RegistryCode.Done, (await _node.Do(new Register(version, Source(seed, right), ModelProvenance.Unknown))).Code);

    private int Persisted() => Count("journal");

    private int Count(string table)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder.Root, "journal.db")}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = table == "journal" ? "select count(*) from journal" : "select count(*) from snapshot";
        return Convert.ToInt32(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(RegistryNode.Patience);
        while (!condition())
        {
            Assert.False(patience.IsCancellationRequested, "It does not come true.");
            await Task.Delay(50);
        }
    }
}
