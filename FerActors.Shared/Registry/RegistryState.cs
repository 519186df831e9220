using System.Globalization;
using FerActors.Shared.Options;
using static FerActors.Shared.Registry.RegistryCommands;
using static FerActors.Shared.Registry.RegistryEvents;
using static FerActors.Shared.Registry.RegistryFindings;

namespace FerActors.Shared.Registry;

/// <summary>The registry: versions, which of them serve, and what may happen next. Its events are the only way to change it.</summary>
/// <remarks>
/// One version at a time is the challenger, with a canary's share, a shadow's share or both: a node holds no third set of weights.
/// </remarks>
public sealed record RegistryState
{
    public static RegistryState Empty { get; } = new();

    /// <summary>Events so far, which is the journal's sequence number.</summary>
    public long Sequence { get; init; }

    /// <summary>In the order of their first registration, deleted ones too.</summary>
    public IReadOnlyList<RegisteredModel> Models { get; init; } = [];

    public ModelVersionId? Champion { get; init; }

    /// <summary>The last champion before <see cref="Champion"/>.</summary>
    public ModelVersionId? Previous { get; init; }

    public ModelVersionId? Challenger { get; init; }

    /// <summary>Share of the images that the challenger answers.</summary>
    public double? CanaryShare { get; init; }

    /// <summary>Share of the images that the challenger sees without answering.</summary>
    public double? ShadowShare { get; init; }

    /// <summary>Number of the last event that changed what nodes should serve.</summary>
    public long DesiredSequence { get; init; }

    /// <summary>Time of that event.</summary>
    public DateTimeOffset DesiredAt { get; init; }

    public string? LastRollback { get; init; }

    public DateTimeOffset? LastRollbackAt { get; init; }

    /// <summary>What nodes should serve.</summary>
    public DesiredModels Desired => new(
        DesiredSequence,
        Champion is { } champion ? Get(champion).Manifest.Pointer : null,
        Challenger is { } canary && CanaryShare is { } share ? new SecondModel(Get(canary).Manifest.Pointer, share) : null,
        Challenger is { } shadow && ShadowShare is { } seen ? new SecondModel(Get(shadow).Manifest.Pointer, seen) : null);

    /// <summary>The version, deleted or not.</summary>
    public RegisteredModel? Find(ModelVersionId version) => Models.FirstOrDefault(m => m.Version == version);

    public IReadOnlyList<string> AliasesOf(ModelVersionId version)
    {
        var aliases = new List<string>(3);
        if (version == Champion)
        {
            aliases.Add("champion");
        }

        if (version == Challenger)
        {
            aliases.Add("challenger");
        }

        if (version == Previous)
        {
            aliases.Add("previous");
        }

        return aliases;
    }

    /// <summary>Whether a version's name can still be given to a new model: <see cref="RegistryCode.Done"/> where it can.</summary>
    public RegistryReply NameIsFree(ModelVersionId version) => Find(version) switch
    {
        null => new RegistryReply(RegistryCode.Done, $"{version} is free.", Sequence),
        { Deleted: true } => new RegistryReply(
            RegistryCode.Refused, $"{version} was deleted, and its name stays bound to its content. Choose another name.", Sequence),
        _ => new RegistryReply(RegistryCode.Refused, $"{version} is registered already, and versions never change. Choose another name.", Sequence),
    };

    /// <summary>Decides a command; nothing has happened until its events are in the journal.</summary>
    public RegistryDecision ProcessCommand(IRegistryCommand command, GateOptions gates, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(gates);
        return command switch
        {
            Admit admit => Decide(admit, now),
            Promote promote => Decide(promote, gates, now),
            Rollback rollback => Rollback(rollback.Reason, now),
            SetCanary canary => Challenge(canary.Version, canary.Share, "canary", CanaryShare, new CanarySet(canary.Version, canary.Share, now)),
            SetShadow shadow => Challenge(shadow.Version, shadow.Share, "shadow", ShadowShare, new ShadowSet(shadow.Version, shadow.Share, now)),
            EndCanary => EndChallenge("canary", CanaryShare, v => new CanaryEnded(v, "An operator ended it.", now)),
            EndShadow => EndChallenge("shadow", ShadowShare, v => new ShadowEnded(v, "An operator ended it.", now)),
            Delete delete => Decide(delete, now),
            Quarantine quarantine => Decide(quarantine, now),
            ChampionFailed failed => Decide(failed, now),
            ChallengerFailed failed => Decide(failed, now),
            _ => Say(RegistryCode.Invalid, $"The registry's state knows no command {command.GetType().Name}."),
        };
    }

    /// <summary>The state after an event. Total: whatever is in the journal was decided once.</summary>
    public RegistryState Apply(IRegistryEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var next = this with { Sequence = Sequence + 1 };
        return happened switch
        {
            Registered e => next.With(e),
            Promoted e => next.Serving(e.At) with
            {
                Champion = e.Version,
                Previous = Champion,
                Challenger = Challenger == e.Version ? null : Challenger,
                CanaryShare = Challenger == e.Version ? null : CanaryShare,
                ShadowShare = Challenger == e.Version ? null : ShadowShare,
                Models = Changed(e.Version, m => m with { PromotedAt = e.At, Forced = e.Overridden }),
            },
            RolledBack e => next.Serving(e.At) with
            {
                Champion = e.To,
                Previous = e.From,
                Challenger = Challenger == e.To ? null : Challenger,
                CanaryShare = Challenger == e.To ? null : CanaryShare,
                ShadowShare = Challenger == e.To ? null : ShadowShare,
                LastRollback = e.Reason,
                LastRollbackAt = e.At,
            },
            CanarySet e => next.Serving(e.At) with { Challenger = e.Version, CanaryShare = e.Share },
            ShadowSet e => next.Serving(e.At) with { Challenger = e.Version, ShadowShare = e.Share },
            CanaryEnded e => next.Serving(e.At) with { Challenger = ShadowShare is null ? null : Challenger, CanaryShare = null },
            ShadowEnded e => next.Serving(e.At) with { Challenger = CanaryShare is null ? null : Challenger, ShadowShare = null },
            Deleted e => next with { Models = Changed(e.Version, m => m with { Deleted = true }) },
            Quarantined e => next with { Models = Changed(e.Version, m => m with { Quarantine = e.Reason }) },
            _ => next,
        };
    }

    private RegistryDecision Decide(Admit admit, DateTimeOffset now) => Find(admit.Version) switch
    {
        null => Do($"{admit.Version} is registered ({Figures(admit.Manifest)}).", new Registered(admit.Manifest, now)),
        { } known when !known.Manifest.HasSameContent(admit.Manifest.Files) => Say(
            RegistryCode.Refused, $"{admit.Version} is registered with other content; versions never change. Choose another name."),
        { Deleted: false } => Say(RegistryCode.Unchanged, $"{admit.Version} is registered with this content already."),
        _ => Do($"{admit.Version} was deleted and is back with the same content.", new Registered(admit.Manifest, now)),
    };

    private RegistryDecision Decide(Promote promote, GateOptions gates, DateTimeOffset now)
    {
        if (Unusable(promote.Version, "promoted") is { } refused)
        {
            return refused;
        }

        if (Champion == promote.Version)
        {
            return Say(RegistryCode.Unchanged, $"{promote.Version} is the champion already.");
        }

        var refusals = PromotionGates.Check(Get(promote.Version).Manifest, Champion is { } c ? Get(c).Manifest : null, gates);
        var sentences = refusals.Select(r => r.Message).ToList();
        if (refusals.Count > 0 && !promote.Force)
        {
            return RegistryDecision.Say(new RegistryReply(RegistryCode.GateRefused, string.Join(' ', sentences), Sequence, refusals));
        }

        var message = refusals.Count == 0
            ? $"{promote.Version} is the champion{(Champion is null ? "" : $" in place of {Champion}")}."
            : $"{promote.Version} is the champion by force. {string.Join(' ', sentences)}";
        return new RegistryDecision(
            new RegistryReply(RegistryCode.Done, message, Sequence + 1, refusals),
            [new Promoted(promote.Version, refusals.Count > 0, sentences, now)]);
    }

    private RegistryDecision Rollback(string reason, DateTimeOffset now)
    {
        if (Champion is not { } from || Previous is not { } to)
        {
            return Say(RegistryCode.Refused, Champion is null ? "There is no champion to roll back." : $"There was no champion before {Champion}.");
        }

        return Unusable(to, "rolled back to") is { } refused
            ? refused
            : Do($"Rolled back from {from} to {to}.", new RolledBack(from, to, reason, false, now));
    }

    private RegistryDecision Challenge(ModelVersionId version, double share, string kind, double? present, IRegistryEvent happened)
    {
        if (Unusable(version, $"a {kind}") is { } refused)
        {
            return refused;
        }

        if (!(share is > 0 and <= 1))
        {
            return Say(RegistryCode.Invalid, $"A {kind}'s share is above 0 and at most 1, not {share.ToString(CultureInfo.InvariantCulture)}.");
        }

        if (Champion is null)
        {
            return Say(RegistryCode.Refused, $"There is no champion yet that {version} could be a {kind} to.");
        }

        if (Champion == version)
        {
            return Say(RegistryCode.Refused, $"{version} is the champion and cannot be its own {kind}.");
        }

        if (Challenger is { } other && other != version)
        {
            return Say(RegistryCode.Refused, $"{other} is the challenger; end its canary and shadow first.");
        }

        return present == share
            ? Say(RegistryCode.Unchanged, $"{version} is the {kind} with this share already.")
            : Do(string.Create(CultureInfo.InvariantCulture, $"{version} is the {kind} for {share * 100:0.##} % of the images."), happened);
    }

    private RegistryDecision EndChallenge(string kind, double? share, Func<ModelVersionId, IRegistryEvent> end) =>
        Challenger is { } version && share is not null
            ? Do($"{version} is no {kind} any more.", end(version))
            : Say(RegistryCode.Unchanged, $"There is no {kind}.");

    private RegistryDecision Decide(Delete delete, DateTimeOffset now) => Find(delete.Version) switch
    {
        null => Unknown(delete.Version),
        { Deleted: true } => Say(RegistryCode.Unchanged, $"{delete.Version} is deleted already."),
        _ when AliasesOf(delete.Version) is { Count: > 0 } aliases => Say(
            RegistryCode.Refused, $"{delete.Version} is the {string.Join(" and the ", aliases)} and cannot be deleted."),
        _ => Do($"{delete.Version} is deleted.", new Deleted(delete.Version, now)),
    };

    private RegistryDecision Decide(Quarantine quarantine, DateTimeOffset now)
    {
        if (Find(quarantine.Version) is not { } model)
        {
            return Unknown(quarantine.Version);
        }

        if (model.Quarantine is not null)
        {
            return Say(RegistryCode.Unchanged, $"{quarantine.Version} is quarantined already: {model.Quarantine}");
        }

        return Champion == quarantine.Version
            ? Say(RegistryCode.Refused, $"{quarantine.Version} is the champion; roll back or promote another first.")
            : Do(
                $"{quarantine.Version} is quarantined and will not serve again.",
                [.. EndOf(quarantine.Version, quarantine.Reason, now), new Quarantined(quarantine.Version, quarantine.Reason, now)]);
    }

    // By the sequence that failed: the same finding, told again after the rollback, speaks of models that are no longer desired.
    private RegistryDecision Decide(ChampionFailed failed, DateTimeOffset now)
    {
        if (failed.DesiredSequence != DesiredSequence || Champion is not { } from)
        {
            return Say(RegistryCode.Unchanged, "What failed is no longer desired.");
        }

        if (Previous is not { } to || Unusable(to, "rolled back to") is not null)
        {
            return Say(RegistryCode.Refused, $"{from} fails and there is nothing to roll back to. {failed.Reason}");
        }

        return Do(
            $"Rolled back from {from} to {to}. {failed.Reason}",
            [new RolledBack(from, to, failed.Reason, true, now), new Quarantined(from, failed.Reason, now)]);
    }

    private RegistryDecision Decide(ChallengerFailed failed, DateTimeOffset now) =>
        failed.DesiredSequence != DesiredSequence || Challenger is not { } version
            ? Say(RegistryCode.Unchanged, "What failed is no longer desired.")
            : Do(
                $"{version} is no challenger any more. {failed.Reason}",
                [.. EndOf(version, failed.Reason, now), new Quarantined(version, failed.Reason, now)]);

    private IEnumerable<IRegistryEvent> EndOf(ModelVersionId version, string reason, DateTimeOffset now)
    {
        if (Challenger != version)
        {
            yield break;
        }

        if (CanaryShare is not null)
        {
            yield return new CanaryEnded(version, reason, now);
        }

        if (ShadowShare is not null)
        {
            yield return new ShadowEnded(version, reason, now);
        }
    }

    private RegistryDecision? Unusable(ModelVersionId version, string purpose) => Find(version) switch
    {
        null => Unknown(version),
        { Deleted: true } => Say(RegistryCode.NotFound, $"{version} is deleted."),
        { Quarantine: { } why } => Say(RegistryCode.Refused, $"{version} is quarantined and cannot be {purpose}: {why}"),
        _ => null,
    };

    private RegisteredModel Get(ModelVersionId version) =>
        Find(version) ?? throw new InvalidOperationException($"The registry's state names {version} without knowing it.");

    private RegistryDecision Unknown(ModelVersionId version) => Say(RegistryCode.NotFound, $"There is no version {version}.");

    private RegistryDecision Say(RegistryCode code, string message) => RegistryDecision.Say(new RegistryReply(code, message, Sequence));

    private RegistryDecision Do(string message, params IReadOnlyList<IRegistryEvent> events) =>
        new(new RegistryReply(RegistryCode.Done, message, Sequence + events.Count), events);

    private RegistryState Serving(DateTimeOffset at) => this with { DesiredSequence = Sequence, DesiredAt = at };

    // A quarantine outlives deletion: the content is the same.
    private RegistryState With(Registered e) => Find(e.Manifest.Version) is null
        ? this with { Models = [.. Models, new RegisteredModel(e.Manifest, e.At)] }
        : this with { Models = Changed(e.Manifest.Version, m => m with { Manifest = e.Manifest, RegisteredAt = e.At, Deleted = false }) };

    private List<RegisteredModel> Changed(ModelVersionId version, Func<RegisteredModel, RegisteredModel> change) =>
        [.. Models.Select(m => m.Version == version ? change(m) : m)];

    private static string Figures(ModelManifest manifest) => manifest.Metrics is { } metrics
        ? string.Create(CultureInfo.InvariantCulture, $"accuracy {metrics.Accuracy * 100:0.00} %, macro-F1 {metrics.MacroF1:0.000}")
        : "without metrics";
}

/// <param name="Reply">What the asker is told once the events are in the journal.</param>
/// <param name="Events">What happens; empty where nothing changes.</param>
public sealed record RegistryDecision(RegistryReply Reply, IReadOnlyList<IRegistryEvent> Events)
{
    public static RegistryDecision Say(RegistryReply reply) => new(reply, []);
}
