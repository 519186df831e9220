using FerActors.Control.Wire.Protos;
using FerActors.Shared.Registry;
using static FerActors.Shared.Registry.RegistryCommands;
using static FerActors.Shared.Registry.RegistryEvents;
using static FerActors.Shared.Registry.RegistryQueries;

namespace FerActors.Control.Wire;

/// <summary>The wire form of the model registry's commands, queries, answers, events and snapshot.</summary>
internal static class RegistryWire
{
    public static IEnumerable<WireType> Types { get; } =
    [
        // Commands.
        WireType.Of("rc-register1", RegisterProto.Parser, Encode, Decode),
        Request("rc-promote1", c => new() { Version = c.Version.Value, Force = c.Force }, p => new Promote(ModelWire.Version(p.Version), p.Force)),
        Request("rc-rollback1", c => new() { Reason = c.Reason }, p => new Rollback(p.Reason)),
        Request("rc-canary1", c => new() { Version = c.Version.Value, Share = c.Share }, p => new SetCanary(ModelWire.Version(p.Version), p.Share)),
        Request("rc-shadow1", c => new() { Version = c.Version.Value, Share = c.Share }, p => new SetShadow(ModelWire.Version(p.Version), p.Share)),
        WireType.Empty("rc-end-canary1", EndCanary.Instance),
        WireType.Empty("rc-end-shadow1", EndShadow.Instance),
        Request("rc-delete1", c => new() { Version = c.Version.Value }, p => new Delete(ModelWire.Version(p.Version))),
        Request("rc-quarantine1", c => new() { Version = c.Version.Value, Reason = c.Reason }, p => new Quarantine(ModelWire.Version(p.Version), p.Reason)),

        // Queries and answers.
        WireType.Empty("rq-list1", List.Instance),
        Request("rq-describe1", c => new() { Version = c.Version.Value }, p => new Describe(ModelWire.Version(p.Version))),
        WireType.Empty("rq-status1", GetStatus.Instance),
        Request("rq-free1", c => new() { Version = c.Version.Value }, p => new IsFree(ModelWire.Version(p.Version))),
        Request("rq-verify1", c => new() { Version = c.Version.Value }, p => new Verify(ModelWire.Version(p.Version))),
        WireType.Of("ra-reply1", RegistryReplyProto.Parser, Encode, Decode),
        WireType.Of("ra-model1", ModelDescriptionProto.Parser, Encode, Decode),
        WireType.Of("ra-list1", ModelListProto.Parser, Encode, Decode),
        WireType.Of("ra-status1", RegistryStatusProto.Parser, Encode, Decode),

        // Events and the snapshot.
        WireType.Of("re-registered1", RegisteredProto.Parser, Encode, Decode),
        Event("re-promoted1", Encode, p => new Promoted(ModelWire.Version(p.Version), p.Forced, [.. p.Overridden], Wire.Time(p.AtTicks))),
        WireType.Of("re-rolled-back1", RolledBackProto.Parser, Encode, Decode),
        Event("re-canary1", e => Of(e.Version, e.At, share: e.Share), p => new CanarySet(ModelWire.Version(p.Version), p.Share, Wire.Time(p.AtTicks))),
        Event("re-shadow1", e => Of(e.Version, e.At, share: e.Share), p => new ShadowSet(ModelWire.Version(p.Version), p.Share, Wire.Time(p.AtTicks))),
        Event("re-canary-end1", e => Of(e.Version, e.At, e.Reason), p => new CanaryEnded(ModelWire.Version(p.Version), p.Reason, Wire.Time(p.AtTicks))),
        Event("re-shadow-end1", e => Of(e.Version, e.At, e.Reason), p => new ShadowEnded(ModelWire.Version(p.Version), p.Reason, Wire.Time(p.AtTicks))),
        Event("re-deleted1", e => Of(e.Version, e.At), p => new Deleted(ModelWire.Version(p.Version), Wire.Time(p.AtTicks))),
        Event("re-quarantined1", e => Of(e.Version, e.At, e.Reason), p => new Quarantined(ModelWire.Version(p.Version), p.Reason, Wire.Time(p.AtTicks))),
        WireType.Of("rs-state1", RegistryStateProto.Parser, Encode, Decode),
    ];

    private static WireType Request<T>(string manifest, Func<T, VersionRequestProto> encode, Func<VersionRequestProto, T> decode)
        where T : notnull => WireType.Of(manifest, VersionRequestProto.Parser, encode, decode);

    private static WireType Event<T>(string manifest, Func<T, VersionEventProto> encode, Func<VersionEventProto, T> decode)
        where T : notnull => WireType.Of(manifest, VersionEventProto.Parser, encode, decode);

    private static VersionEventProto Of(ModelVersionId version, DateTimeOffset at, string reason = "", double share = 0) =>
        new() { Version = version.Value, AtTicks = at.UtcTicks, Reason = reason, Share = share };

    private static VersionEventProto Encode(Promoted e)
    {
        var proto = Of(e.Version, e.At);
        proto.Forced = e.Forced;
        proto.Overridden.Add(e.Overridden);
        return proto;
    }

    private static RegisterProto Encode(Register c)
    {
        var proto = new RegisterProto { Version = c.Version.Value, SourceFolder = c.SourceFolder, Provenance = Encode(c.Provenance) };
        Set(c.WeightsSha256, v => proto.WeightsSha256 = v);
        return proto;
    }

    private static Register Decode(RegisterProto p) =>
        new(ModelWire.Version(p.Version), p.SourceFolder, Decode(p.Provenance), p.HasWeightsSha256 ? p.WeightsSha256 : null);

    private static RegisteredProto Encode(Registered e) => new() { Manifest = Encode(e.Manifest), AtTicks = e.At.UtcTicks };

    private static Registered Decode(RegisteredProto p) => new(Decode(p.Manifest), Wire.Time(p.AtTicks));

    private static RolledBackProto Encode(RolledBack e) =>
        new() { From = e.From.Value, To = e.To.Value, Reason = e.Reason, Automatic = e.Automatic, AtTicks = e.At.UtcTicks };

    private static RolledBack Decode(RolledBackProto p) =>
        new(ModelWire.Version(p.From), ModelWire.Version(p.To), p.Reason, p.Automatic, Wire.Time(p.AtTicks));

    private static ModelProvenanceProto Encode(ModelProvenance provenance)
    {
        var proto = new ModelProvenanceProto();
        Set(provenance.DataSha256, v => proto.DataSha256 = v);
        Set(provenance.GitCommit, v => proto.GitCommit = v);
        Set(provenance.Parent, v => proto.Parent = v);
        Set(provenance.Command, v => proto.Command = v);
        Set(provenance.RunId, v => proto.RunId = v);
        return proto;
    }

    private static ModelProvenance Decode(ModelProvenanceProto? p) => p is null
        ? ModelProvenance.Unknown
        : new ModelProvenance(
            p.HasDataSha256 ? p.DataSha256 : null,
            p.HasGitCommit ? p.GitCommit : null,
            p.HasParent ? p.Parent : null,
            p.HasCommand ? p.Command : null,
            p.HasRunId ? p.RunId : null);

    private static ModelManifestProto Encode(ModelManifest manifest)
    {
        var proto = new ModelManifestProto
        {
            Schema = manifest.Schema,
            Version = manifest.Version.Value,
            Bytes = manifest.Bytes,
            Provenance = Encode(manifest.Provenance),
            CreatedTicks = manifest.Created.UtcTicks,
        };
        proto.Files.Add(manifest.Files.ToDictionary());
        if (manifest.Metrics is { } metrics)
        {
            proto.Metrics = new ModelMetricsProto
            {
                Accuracy = metrics.Accuracy,
                MacroF1 = metrics.MacroF1,
                Evaluation = metrics.Evaluation,
                DataSha256 = metrics.DataSha256,
            };
            proto.Metrics.Recalls.Add(metrics.Recalls.ToDictionary());
            Set(metrics.MsPerFace, v => proto.Metrics.MsPerFace = v);
        }

        return proto;
    }

    private static ModelManifest Decode(ModelManifestProto? p)
    {
        _ = p ?? throw new WireException("A version without a manifest.");
        return new ModelManifest
        {
            Schema = p.Schema,
            Version = ModelWire.Version(p.Version),
            Files = p.Files.ToDictionary(),
            Bytes = p.Bytes,
            Metrics = p.Metrics is { } m
                ? new ModelMetrics(m.Accuracy, m.MacroF1, m.Recalls.ToDictionary(), m.HasMsPerFace ? m.MsPerFace : null, m.Evaluation, m.DataSha256)
                : null,
            Provenance = Decode(p.Provenance),
            Created = Wire.Time(p.CreatedTicks),
        };
    }

    private static RegistryReplyProto Encode(RegistryReply reply)
    {
        var proto = new RegistryReplyProto { Code = (int)reply.Code, Message = reply.Message, Sequence = reply.Sequence };
        foreach (var gate in reply.Gates)
        {
            var encoded = new GateRefusalProto { Gate = gate.Gate, Message = gate.Message };
            Set(gate.Candidate, v => encoded.Candidate = v);
            Set(gate.Champion, v => encoded.Champion = v);
            Set(gate.Limit, v => encoded.Limit = v);
            proto.Gates.Add(encoded);
        }

        return proto;
    }

    private static RegistryReply Decode(RegistryReplyProto p) => new(
        Wire.Enum<RegistryCode>(p.Code),
        p.Message,
        p.Sequence,
        [.. p.Gates.Select(g => new GateRefusal(
            g.Gate, g.HasCandidate ? g.Candidate : null, g.HasChampion ? g.Champion : null, g.HasLimit ? g.Limit : null, g.Message))]);

    private static RegisteredModelProto Encode(RegisteredModel model)
    {
        var proto = new RegisteredModelProto
        {
            Manifest = Encode(model.Manifest),
            RegisteredTicks = model.RegisteredAt.UtcTicks,
            Deleted = model.Deleted,
        };
        proto.Forced.Add(model.Forced);
        Set(model.PromotedAt?.UtcTicks, v => proto.PromotedTicks = v);
        Set(model.Quarantine, v => proto.Quarantine = v);
        return proto;
    }

    private static RegisteredModel Decode(RegisteredModelProto? p) => p is null
        ? throw new WireException("A description without a version.")
        : new RegisteredModel(
            Decode(p.Manifest),
            Wire.Time(p.RegisteredTicks),
            p.HasPromotedTicks ? Wire.Time(p.PromotedTicks) : null,
            [.. p.Forced],
            p.HasQuarantine ? p.Quarantine : null,
            p.Deleted);

    private static ModelDescriptionProto Encode(ModelDescription description)
    {
        var proto = new ModelDescriptionProto { Model = Encode(description.Model) };
        proto.Aliases.Add(description.Aliases);
        return proto;
    }

    private static ModelDescription Decode(ModelDescriptionProto p) => new(Decode(p.Model), [.. p.Aliases]);

    private static ModelListProto Encode(ModelList list)
    {
        var proto = new ModelListProto { Sequence = list.Sequence };
        proto.Models.Add(list.Models.Select(Encode));
        return proto;
    }

    private static ModelList Decode(ModelListProto p) => new(p.Sequence, [.. p.Models.Select(Decode)]);

    private static RegistryStatusProto Encode(RegistryStatus status)
    {
        var proto = new RegistryStatusProto { Sequence = status.Sequence, Desired = ModelWire.Encode(status.Desired), Announced = status.Announced };
        Set(status.Previous?.Value, v => proto.Previous = v);
        Set(status.Alarm, v => proto.Alarm = v);
        Set(status.LastRollback, v => proto.LastRollback = v);
        Set(status.LastRollbackAt?.UtcTicks, v => proto.LastRollbackTicks = v);
        proto.Nodes.Add(status.Nodes.Select(n => new NodeProgressProto
        {
            Address = n.Address,
            Reachable = n.Reachable,
            Converged = n.Converged,
            Status = n.Status is { } said ? ModelWire.Encode(said) : null,
        }));
        return proto;
    }

    private static RegistryStatus Decode(RegistryStatusProto p) => new(
        p.Sequence,
        p.Desired is { } desired ? ModelWire.Decode(desired) : throw new WireException("A status without the desired models."),
        p.HasPrevious ? ModelWire.Version(p.Previous) : null,
        p.Announced,
        p.HasAlarm ? p.Alarm : null,
        p.HasLastRollback ? p.LastRollback : null,
        p.HasLastRollbackTicks ? Wire.Time(p.LastRollbackTicks) : null,
        [.. p.Nodes.Select(n => new NodeProgress(n.Address, n.Reachable, n.Converged, n.Status is { } said ? ModelWire.Decode(said) : null))]);

    private static RegistryStateProto Encode(RegistryState state)
    {
        var proto = new RegistryStateProto { Sequence = state.Sequence, DesiredSequence = state.DesiredSequence, DesiredTicks = state.DesiredAt.UtcTicks };
        proto.Models.Add(state.Models.Select(Encode));
        Set(state.Champion?.Value, v => proto.Champion = v);
        Set(state.Previous?.Value, v => proto.Previous = v);
        Set(state.Challenger?.Value, v => proto.Challenger = v);
        Set(state.CanaryShare, v => proto.CanaryShare = v);
        Set(state.ShadowShare, v => proto.ShadowShare = v);
        Set(state.LastRollback, v => proto.LastRollback = v);
        Set(state.LastRollbackAt?.UtcTicks, v => proto.LastRollbackTicks = v);
        return proto;
    }

    private static RegistryState Decode(RegistryStateProto p) => new()
    {
        Sequence = p.Sequence,
        Models = [.. p.Models.Select(Decode)],
        Champion = p.HasChampion ? ModelWire.Version(p.Champion) : null,
        Previous = p.HasPrevious ? ModelWire.Version(p.Previous) : null,
        Challenger = p.HasChallenger ? ModelWire.Version(p.Challenger) : null,
        CanaryShare = p.HasCanaryShare ? p.CanaryShare : null,
        ShadowShare = p.HasShadowShare ? p.ShadowShare : null,
        DesiredSequence = p.DesiredSequence,
        DesiredAt = Wire.Time(p.DesiredTicks),
        LastRollback = p.HasLastRollback ? p.LastRollback : null,
        LastRollbackAt = p.HasLastRollbackTicks ? Wire.Time(p.LastRollbackTicks) : null,
    };

    private static void Set(string? value, Action<string> set)
    {
        if (value is not null)
        {
            set(value);
        }
    }

    private static void Set<T>(T? value, Action<T> set)
        where T : struct
    {
        if (value is { } known)
        {
            set(known);
        }
    }
}
