using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Databases;

/// <summary>
/// What a node of an earlier version wrote opens in this one: the journal and the model folders that <c>Fixtures/journal-0.1</c> keeps, made by
/// commit 9adb46c (three versions registered, two promoted, one rolled back to, one quarantined, a canary, and a run that failed).
/// </summary>
public sealed class EarlierJournalSpecs : IDisposable
{
    private readonly NodeData _data = new();

    public EarlierJournalSpecs() => CopyTo(Path.Combine(AppContext.BaseDirectory, "Fixtures", "journal-0.1"), _data.Folder);

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task The_registry_and_the_runs_of_an_earlier_version_are_all_there()
    {
        await using var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=control", "Cluster:Roles:1=training", "Feedback:Enabled=false");

        var status = await node.StatusWhen(s => s.Desired.Champion is not null);
        var verified = await node.RegistryAsync(new RegistryQueries.Verify(ModelVersionId.Parse("v-a")));
        var runs = await node.RunsAsync();

        Assert.Equal(("v-a", "v-b", "v-c"), (status.Desired.Champion!.Version.Value, status.Previous!.Value, status.Desired.Canary!.Model.Version.Value));
        Assert.True(verified.Succeeded, verified.Message);
        var run = Assert.Single(runs.Runs).Run;
        Assert.Equal(("lost", RunState.Failed), (run.Spec.Id.Value, run.State));
    }

    [Fact]
    public async Task Commands_go_on_from_an_earlier_version_s_last_event()
    {
        await using var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=control", "Cluster:Roles:1=training", "Feedback:Enabled=false");
        var before = await node.StatusWhen(s => s.Desired.Champion is not null);

        var promoted = await node.RegistryAsync(new RegistryCommands.Promote(ModelVersionId.Parse("v-c"), Force: true));

        Assert.True(promoted.Succeeded, promoted.Message);
        Assert.True(promoted.Sequence > before.Sequence);
    }

    private static void CopyTo(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
