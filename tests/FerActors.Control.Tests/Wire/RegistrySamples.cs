using FerActors.Shared.Registry;

namespace FerActors.Control.Tests.Wire;

internal static partial class WireSamples
{
    private static IEnumerable<object> Registry()
    {
        var v1 = ModelVersionId.Parse("v1");
        var v2 = ModelVersionId.Parse("v2");
        var provenance = new ModelProvenance("d", "c0ffee", "v0", "fer train", "run-1");
        var bare = new ModelManifest { Version = v1, Files = Pointer.Files, Bytes = 12, Created = Time };
        var metrics = new ModelMetrics(0.6, 0.5, new Dictionary<string, double> { ["happy"] = 0.9, ["fear"] = 0 }, 1.5, "public_test/plain", "aa");
        var full = bare with { Version = v2, Metrics = metrics, Provenance = provenance };
        var unmeasured = bare with { Metrics = metrics with { MsPerFace = null } };
        var quarantined = new RegisteredModel(full, Time, Time, ["Gate accuracy."], "It failed.", Deleted: true);
        var status = new NodeModelStatus("akka.tcp://FerActors@n1:5055", "n1", 7, []);
        yield return new RegistryCommands.Register(v1, "/models/v1", provenance, new string('a', 64));
        yield return new RegistryCommands.Register(v1, "v1", ModelProvenance.Unknown);
        yield return new RegistryCommands.Promote(v1, Force: true);
        yield return new RegistryCommands.Rollback("It is worse.");
        yield return new RegistryCommands.SetCanary(v1, 0.1);
        yield return new RegistryCommands.SetShadow(v1, 1);
        yield return RegistryCommands.EndCanary.Instance;
        yield return RegistryCommands.EndShadow.Instance;
        yield return new RegistryCommands.Delete(v1);
        yield return new RegistryCommands.Quarantine(v1, "It is poisoned.");
        yield return RegistryQueries.List.Instance;
        yield return new RegistryQueries.Describe(v1);
        yield return new RegistryQueries.IsFree(v1);
        yield return RegistryQueries.GetStatus.Instance;
        yield return new RegistryQueries.Verify(v1);
        yield return new RegistryReply(RegistryCode.Done, "Done.", 3);
        yield return new RegistryReply(
            RegistryCode.GateRefused,
            "No.",
            3,
            [new GateRefusal("accuracy", 0.5, 0.6, 0.59, "Worse."), new GateRefusal("metrics", null, null, null, "None.")]);
        yield return new ModelDescription(new RegisteredModel(bare, Time), []);
        yield return new ModelDescription(quarantined, ["champion", "previous"]);
        yield return new ModelList(4, [new ModelDescription(new RegisteredModel(unmeasured, Time), ["challenger"])]);
        yield return new RegistryStatus(0, DesiredModels.None, null, false, null, null, null, []);
        yield return new RegistryStatus(
            9,
            new DesiredModels(7, Pointer),
            v2,
            true,
            "Alarm.",
            "It failed.",
            Time,
            [new NodeProgress("a", true, true, status), new NodeProgress("b", false, false, null)]);
        yield return new RegistryEvents.Registered(full, Time);
        yield return new RegistryEvents.Promoted(v1, true, ["Gate accuracy."], Time);
        yield return new RegistryEvents.RolledBack(v1, v2, "It failed.", true, Time);
        yield return new RegistryEvents.CanarySet(v1, 0.25, Time);
        yield return new RegistryEvents.ShadowSet(v1, 0.5, Time);
        yield return new RegistryEvents.CanaryEnded(v1, "Ended.", Time);
        yield return new RegistryEvents.ShadowEnded(v1, "Ended.", Time);
        yield return new RegistryEvents.Deleted(v1, Time);
        yield return new RegistryEvents.Quarantined(v1, "It failed.", Time);
        yield return RegistryState.Empty;
        yield return new RegistryState
        {
            Sequence = 9,
            Models = [new RegisteredModel(bare, Time), quarantined],
            Champion = v1,
            Previous = v2,
            Challenger = v2,
            CanaryShare = 0.1,
            ShadowShare = 1,
            DesiredSequence = 7,
            DesiredAt = Time,
            LastRollback = "It failed.",
            LastRollbackAt = Time,
        };
    }
}
