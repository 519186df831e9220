using System.Globalization;
using System.Text.Json;
using FerActors.Host.Intake;
using FerActors.Inference.Serving;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Host.Operator;

/// <summary>A table of texts.</summary>
/// <param name="Title">Above it; <see langword="null"/> where the sentence says enough.</param>
/// <param name="Columns">Headings.</param>
/// <param name="Rows">Each with as many cells as there are columns.</param>
internal sealed record ReplyTable(string? Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Columns that may wrap between words. In a table without headings it is the last one.</summary>
    public IReadOnlyList<string> Prose { get; init; } = [];

    /// <summary>Columns that a narrow screen does without, the first to go first.</summary>
    public IReadOnlyList<string> Spare { get; init; } = [];

    public bool IsProse(int column) =>
        Columns.All(c => c.Length == 0) ? column == Columns.Count - 1 : Prose.Contains(Columns[column], StringComparer.Ordinal);

    /// <summary>The table with those columns alone.</summary>
    /// <param name="wanted">Says of a column's number whether it stays.</param>
    public ReplyTable Where(Func<int, bool> wanted)
    {
        var kept = Enumerable.Range(0, Columns.Count).Where(wanted).ToList();
        return this with { Columns = [.. kept.Select(i => Columns[i])], Rows = [.. Rows.Select(row => (IReadOnlyList<string>)[.. kept.Select(i => row[i])])] };
    }
}

/// <summary>What a person sees of a view. Times are in UTC and say so.</summary>
internal static class ReplyTables
{
    public static IReadOnlyList<ReplyTable> Of(OperatorView? view) => view switch
    {
        ClusterView cluster => [Cluster(cluster)],
        ModelsView models => models.Models.Count == 0 ? [] : [Models(models.Models)],
        ModelView model => Model(model),
        ChangeView { Gates.Count: > 0 } change => [Gates(change.Gates)],
        FleetView fleet => Fleet(fleet),
        RunsView runs => runs.Runs.Count == 0 ? [] : [Runs(runs.Runs)],
        RunDetailsView run => Run(run),
        StatisticsView statistics => Statistics(statistics),
        _ => [],
    };

    /// <summary>One line on where a run stands.</summary>
    public static string ProgressOf(RunSummary run) => run switch
    {
        { Progress: { } p } => string.Create(
            CultureInfo.InvariantCulture,
            $"{run.State} epoch {p.Epoch}/{p.Epochs} step {p.Step}/{p.Steps} loss {p.Loss:0.0000} {p.ImagesPerSecond:0} img/s{Eta(p)}"),
        { State: RunState.Registered, Confirmed: false } => StateOf(run),
        { LastEpoch: { } e } => $"{run.State} {EpochOf(e)}",
        { Failure: { } why } => $"{run.State}: {why}",
        _ => run.State.ToString(),
    };

    /// <summary>A run's state in words: a finished model is not a registered one before the registry has it.</summary>
    public static string StateOf(RunSummary run) => run switch
    {
        { State: RunState.Registered, Confirmed: true } => $"Registered as {run.ModelVersion}",
        { State: RunState.Registered, Refusal: { } why, RefusalIsFinal: true } => $"Finished, not registered: {why}",
        { State: RunState.Registered, Refusal: { } why } => $"Finished, not registered yet: {why}",
        { State: RunState.Registered } => "Finished, not registered yet",
        { Failure: { } why } => $"{run.State}: {why}",
        _ => run.State.ToString(),
    };

    /// <summary>One line on a finished epoch.</summary>
    public static string EpochOf(EpochMetrics epoch) => string.Create(
        CultureInfo.InvariantCulture,
        $"epoch {epoch.Epoch}: loss {epoch.TrainLoss:0.0000}, accuracy {epoch.Accuracy * 100:0.00} %, macro-F1 {epoch.MacroF1:0.0000}");

    private static ReplyTable Cluster(ClusterView view) => new(
        null,
        ["Member", "Status", "Reachable", "Roles", ""],
        [
            .. view.Members.Select(m => new[]
            {
                m.Address,
                m.Status,
                YesNo(m.Reachable),
                string.Join(", ", m.Roles),
                string.Join(", ", Notes(view, m)),
            }),
        ])
    {
        Prose = ["Roles"],
    };

    private static IEnumerable<string> Notes(ClusterView view, MemberView member)
    {
        if (member.Address == view.Self)
        {
            yield return "this node";
        }

        if (member.Address == view.Leader)
        {
            yield return "leader";
        }
    }

    private static ReplyTable Instances(IReadOnlyList<InstanceStatus> instances) => new(
        "Instances",
        ["Instance", "Device", "State", "Busy", "Passes", "Failures", "Reason"],
        [
            .. instances.Select(instance => new[]
            {
                Count(instance.Number),
                instance.Device,
                instance.State.ToString(),
                Percent(instance.BusyShare),
                Count(instance.Passes),
                Count(instance.Failures),
                instance.Reason ?? "",
            }),
        ])
    {
        Prose = ["Reason"],
    };

    private static ReplyTable Models(IReadOnlyList<ModelSummary> models) => new(
        null,
        ["Version", "Aliases", "Accuracy", "Macro-F1", "ms/face", "MB", "Registered", "Promoted", "Quarantine"],
        [
            .. models.Select(m => new[]
            {
                m.Version,
                string.Join(", ", m.Aliases.Concat(Shares(m))),
                Percent(m.Accuracy),
                Number(m.MacroF1, "0.0000"),
                Number(m.MsPerFace, "0.0"),
                Number(m.Bytes / 1e6, "0.0"),
                Time(m.RegisteredAt),
                Time(m.PromotedAt),
                m.Quarantine ?? "",
            }),
        ])
    {
        Prose = ["Aliases", "Registered", "Promoted", "Quarantine"],
        Spare = ["MB", "ms/face", "Macro-F1"],
    };

    /// <summary>Bytes for people.</summary>
    public static string Size(long bytes) => bytes < 1e9 ? $"{Number(bytes / 1e6, "0.0")} MB" : $"{Number(bytes / 1e9, "0.00")} GB";

    private static IEnumerable<string> Shares(ModelSummary model)
    {
        if (model.CanaryShare is { } canary)
        {
            yield return $"canary {Percent(canary)}";
        }

        if (model.ShadowShare is { } shadow)
        {
            yield return $"shadow {Percent(shadow)}";
        }
    }

    private static List<ReplyTable> Model(ModelView view)
    {
        var facts = new List<(string, string?)>
        {
            ("evaluation", view.Evaluation),
            ("parent", view.Provenance.Parent),
            ("run", view.Provenance.RunId),
            ("command", view.Provenance.Command),
            ("commit", view.Provenance.GitCommit),
            ("training data", view.Provenance.DataSha256),
        };
        facts.AddRange(view.Recalls
            .OrderBy(r => r.Key, StringComparer.Ordinal)
            .Select(r => ($"recall of {r.Key}", (string?)Percent(r.Value))));
        facts.AddRange(view.Forced.Select(f => ("forced past", (string?)f)));
        facts.AddRange(view.Files.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => (f.Key, (string?)f.Value)));
        return [Models([view.Model]), Facts(null, facts)];
    }

    private static ReplyTable Gates(IReadOnlyList<GateRefusal> gates) => new(
        null,
        ["Gate", "Candidate", "Champion", "Limit"],
        [.. gates.Select(g => new[] { g.Gate, Number(g.Candidate, "0.####"), Number(g.Champion, "0.####"), Number(g.Limit, "0.####") })]);

    private static List<ReplyTable> Fleet(FleetView view)
    {
        var facts = Facts(null,
        [
            ("champion", view.Champion ?? "none promoted: each node serves its own Model:Path"),
            ("canary", view.Canary is null ? null : $"{view.Canary}, {Percent(view.CanaryShare)} of the images"),
            ("shadow", view.Shadow is null ? null : $"{view.Shadow}, {Percent(view.ShadowShare)} of the images"),
            ("previous", view.Previous),
            ("sequence", string.Create(CultureInfo.InvariantCulture, $"{view.DesiredSequence} of {view.Sequence}")),
            ("announced", YesNo(view.Announced)),
            ("alarm", view.Alarm),
            ("last rollback", view.LastRollback is null ? null : $"{view.LastRollback} ({Time(view.LastRollbackAt)})"),
        ]);
        var rows = view.Nodes.SelectMany(n => Slots(n, view.Champion is not null)).ToList();
        string[] columns = ["Node", "Name", "Reachable", "Converged", "Slot", "Version", "Phase", "Reason", "Since"];
        return rows.Count == 0 ? [facts] : [facts, new ReplyTable(null, columns, rows) { Prose = ["Reason", "Since"], Spare = ["Since", "Name"] }];
    }

    // Before the first promotion a node's champion is no version of the registry.
    private static IEnumerable<string[]> Slots(NodeProgress node, bool promoted)
    {
        string[] start = [node.Address, node.Status?.Node ?? "", YesNo(node.Reachable), YesNo(node.Converged)];
        return node.Status is { Slots.Count: > 0 } status
            ? status.Slots.Select(s => (string[])
                [.. start, promoted || s.Slot != ModelSlot.Champion ? s.Slot.ToString() : "Model:Path", s.Version, s.Phase.ToString(), s.Reason ?? "", Time(s.Since)])
            : [[.. start, "", "", node.Status is null ? "unknown" : "", "", ""]];
    }

    private static ReplyTable Runs(IReadOnlyList<RunSummary> runs) => new(
        null,
        ["Run", "Name", "State", "Priority", "Version", "Node", "Attempt", "Progress", "Submitted"],
        [
            .. runs.Select(r => new[]
            {
                r.Id,
                r.Name,
                r.Wish != StopWish.None ? $"{r.State}, asked to {r.Wish}"
                    : r is { State: RunState.Registered, Confirmed: false } ? "Finished"
                    : r.State.ToString(),
                Count(r.Priority),
                r.ModelVersion,
                r.Node ?? "",
                Count(r.Attempt),
                ProgressOf(r),
                Time(r.SubmittedAt),
            }),
        ])
    {
        Prose = ["Name", "State", "Progress", "Submitted"],
        Spare = ["Submitted", "Attempt", "Priority"],
    };

    private static List<ReplyTable> Run(RunDetailsView view)
    {
        var facts = Facts(null,
        [
            ("data", view.Data),
            ("votes", view.Votes),
            ("held out", view.HoldOut?.ToString(CultureInfo.InvariantCulture)),
            ("folder labels", view.FolderLabels),
            ("device", view.Device),
            ("initial weights", view.InitFrom),
            ("last epoch", view.Run.LastEpoch is { } epoch ? EpochOf(epoch) : null),
            ("failure", view.Run.Failure),
            ("model folder", view.Run.ModelFolder),
            ("in the registry", view.Run.State == RunState.Registered ? YesNo(view.Run.Confirmed) : null),
            ("not registered because", view.Run.Refusal),
            ("since", Time(view.Run.ChangedAt)),
            ("options", view.Options is { } options ? JsonSerializer.Serialize(options) : null),
        ]);
        return [Runs([view.Run]), facts];
    }

    private static List<ReplyTable> Statistics(StatisticsView view)
    {
        var tables = new List<ReplyTable>();
        if (view.Pipeline is { } pipeline)
        {
            tables.Add(Facts("Pipeline",
            [
                ("images with faces", Count(pipeline.Classified)),
                ("images without", Count(pipeline.WithoutFaces)),
                .. pipeline.Errors.Select(e => ($"errors: {e.Key}", (string?)Count(e.Value))),
                ("in flight", Count(pipeline.InFlight)),
                ("waiting", Count(pipeline.Waiting)),
            ]));
        }

        if (view.Batching is { } batching)
        {
            tables.Add(Facts("Batching",
            [
                ("faces", Count(batching.Faces)),
                ("batches", Count(batching.Batches)),
                ("faces a batch", batching.Batches == 0 ? "" : Number((double)batching.Faces / batching.Batches, "0.00")),
                ("refused", Count(batching.Refused)),
                ("waiting", Count(batching.Waiting)),
            ]));
        }

        if (view.Transport is { } transport)
        {
            tables.Add(Transport(transport));
        }

        if (view.Models is { } models)
        {
            tables.Add(Facts("Model host",
            [
                ("swaps", Count(models.Swaps)),
                ("passes", Count(models.Passes)),
                ("canary passes", Count(models.CanaryPasses)),
                ("canary failures", Count(models.CanaryFailures)),
                ("loads", Count(models.Loads)),
                ("failed loads", Count(models.FailedLoads)),
                ("longest wait of a batch at a swap, ms", Number(models.LongestSwapGapMs, "0.0")),
                ("longest other wait of a batch, ms", Number(models.LongestOtherGapMs, "0.0")),
                ("longest idle time, ms", Number(models.LongestIdleMs, "0")),
                ("models in memory", Count(models.HeldModels)),
                .. models.Engines.Select(engine => ($"engine for {engine.Sizes} {(engine.UpTo == 1 ? "face" : "faces")}", (string?)engine.Engine)),
            ]));
            if (models.Instances.Count > 0)
            {
                tables.Add(Instances(models.Instances));
            }
        }

        if (view.Shadow is { Shadow.Length: > 0 } shadow)
        {
            tables.Add(Facts("Shadow",
            [
                ("champion", shadow.Champion),
                ("shadow", shadow.Shadow),
                ("faces", Count(shadow.Faces)),
                ("agreement", shadow.Faces == 0 ? "" : Percent((double)shadow.Agreed / shadow.Faces)),
                ("mean distance", Number(shadow.MeanDistance, "0.0000")),
                ("passed over", Count(shadow.Dropped)),
                ("failures", Count(shadow.Failures)),
            ]));
        }

        if (view.Drift is { } drift)
        {
            tables.Add(Facts("Drift", [("level", drift.Level.ToString()), ("faces", Count(drift.Samples)), ("problem", drift.Problem)]));
        }

        if (view.Fleet is { } fleet)
        {
            tables.AddRange(Fleet(fleet).Select((t, i) => i == 0 ? t with { Title = "Models of all nodes" } : t));
        }

        return tables;
    }

    private static ReplyTable Transport(TransportStatistics transport) => Facts("Transport",
    [
        ("takes images", transport.ConsumerConnected ? transport.Mode.ToString() : "not connected"),
        ("sends results", transport.PublisherBlocked ? "blocked by the broker" : transport.PublisherConnected ? "yes" : "not connected"),
        ("delivered", Count(transport.Intake.Delivered)),
        ("redelivered", Count(transport.Intake.Redelivered)),
        ("acknowledged", Count(transport.Intake.Acknowledged)),
        ("dead-lettered", Count(transport.Intake.DeadLettered)),
        ("returned", Count(transport.Intake.Returned)),
        ("in flight", Count(transport.InFlight)),
        ("published", Count(transport.Published)),
        ("published again", Count(transport.Republished)),
        ("results to confirm", Count(transport.PendingResults)),
    ]);

    private static ReplyTable Facts(string? title, IReadOnlyList<(string Name, string? Value)> facts) =>
        new(title, ["", ""], [.. facts.Where(f => !string.IsNullOrEmpty(f.Value)).Select(f => new[] { f.Name, f.Value! })]);

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Percent(double? value) => value is { } share ? Number(share * 100, "0.00") + " %" : "";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";

    private static string Count(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Eta(RunProgress progress) =>
        progress.EtaSeconds < 0 ? "" : $" eta {TimeSpan.FromSeconds(Math.Round(progress.EtaSeconds)):c}";

    private static string Time(DateTimeOffset? time) =>
        time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "";
}
