using FerActors.Control.Wire;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using static FerActors.Shared.Registry.RegistryCommands;
using static FerActors.Shared.Tests.Registry.Manifests;

namespace FerActors.Shared.Tests.Registry;

public sealed class RegistryStateSpecs
{
    private readonly List<IRegistryEvent> _journal = [];
    private RegistryState _state = RegistryState.Empty;

    [Fact]
    public void The_same_content_is_taken_twice_and_other_content_refused()
    {
        Assert.Equal(RegistryCode.Done, Do(new RegistryFindings.Admit(Of(1))).Code);
        Assert.Equal(RegistryCode.Unchanged, Do(new RegistryFindings.Admit(Of(1))).Code);
        Assert.Equal(RegistryCode.Refused, Do(new RegistryFindings.Admit(Of(1, content: 1))).Code);
        Assert.Single(_journal);
    }

    [Fact]
    public void A_promotion_past_gates_is_recorded_with_what_they_said()
    {
        Champion(1);
        Do(new RegistryFindings.Admit(Of(2, accuracy: 0.3)));

        Assert.Equal(RegistryCode.GateRefused, Do(new Promote(Id(2))).Code);
        Assert.Equal(Id(1), _state.Champion);
        Assert.Equal(RegistryCode.Done, Do(new Promote(Id(2), Force: true)).Code);

        Assert.Equal((Id(2), Id(1)), (_state.Champion, _state.Previous));
        Assert.Contains("30.00 %", Assert.Single(_state.Find(Id(2))!.Forced), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rollback_returns_to_the_previous_champion_and_may_be_undone()
    {
        Champion(1);
        Assert.Equal(RegistryCode.Refused, Do(new Rollback("Why not.")).Code);
        Champion(2);

        Do(new Rollback("It is worse."));
        Assert.Equal((Id(1), Id(2)), (_state.Champion, _state.Previous));
        Do(new Rollback("It was not."));

        Assert.Equal((Id(2), Id(1)), (_state.Champion, _state.Previous));
    }

    [Fact]
    public void A_failed_champion_is_rolled_back_once_and_never_promoted_again()
    {
        Champion(1);
        Champion(2);
        var failed = new RegistryFindings.ChampionFailed(_state.DesiredSequence, "2 of 3 nodes failed.");

        Assert.Equal(RegistryCode.Done, Do(failed).Code);
        var events = _journal.Count;
        Assert.Equal(RegistryCode.Unchanged, Do(failed).Code);

        Assert.Equal(events, _journal.Count);
        Assert.Equal(Id(1), _state.Champion);
        Assert.Equal("2 of 3 nodes failed.", _state.LastRollback);
        Assert.Equal(RegistryCode.Refused, Do(new Promote(Id(2), Force: true)).Code);
        Assert.Equal(RegistryCode.Refused, Do(new Rollback("Back.")).Code);
        Assert.Equal(RegistryCode.Refused, Do(new RegistryFindings.ChampionFailed(_state.DesiredSequence, "Again.")).Code);
    }

    [Fact]
    public void An_aliased_version_is_not_deleted_and_a_deleted_ones_name_stays_bound()
    {
        Champion(1);
        Champion(2);
        Assert.Equal(RegistryCode.Refused, Do(new Delete(Id(1))).Code);
        Champion(3);
        Assert.Equal(RegistryCode.Done, Do(new Delete(Id(1))).Code);

        Assert.Equal(RegistryCode.NotFound, Do(new Promote(Id(1))).Code);
        Assert.Equal(RegistryCode.Refused, Do(new RegistryFindings.Admit(Of(1, content: 1))).Code);
        Assert.Equal(RegistryCode.Done, Do(new RegistryFindings.Admit(Of(1))).Code);
    }

    [Fact]
    public void A_challenger_gets_its_shares_until_it_is_promoted_or_fails()
    {
        Champion(1);
        Do(new RegistryFindings.Admit(Of(2)));
        Do(new RegistryFindings.Admit(Of(3)));
        Assert.Equal(RegistryCode.Refused, Do(new SetCanary(Id(1), 0.1)).Code);
        Assert.Equal(RegistryCode.Invalid, Do(new SetCanary(Id(2), double.NaN)).Code);
        Do(new SetCanary(Id(2), 0.1));
        Do(new SetShadow(Id(2), 1));
        Assert.Equal(RegistryCode.Refused, Do(new SetShadow(Id(3), 1)).Code);
        Assert.Equal((0.1, 1.0), (_state.Desired.Canary!.Share, _state.Desired.Shadow!.Share));

        Do(new Promote(Id(2)));
        Assert.Null(_state.Desired.Canary);
        Do(new SetShadow(Id(3), 1));
        Do(new RegistryFindings.ChallengerFailed(_state.DesiredSequence, "It has no weights."));

        Assert.Null(_state.Challenger);
        Assert.Equal("It has no weights.", _state.Find(Id(3))!.Quarantine);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_commanded_the_registry_stays_consistent_and_its_journal_replays_to_it(int seed)
    {
        var random = new Random(seed);
        ModelVersionId? lastOther = null;
        for (var step = 0; step < 3000; step++)
        {
            var before = _state;
            var command = Random(random);
            var reply = Do(command);

            Assert.Equal(reply.Sequence, _state.Sequence);
            Assert.Equal(_journal.Count, _state.Sequence);
            Assert.True(_state.DesiredSequence >= before.DesiredSequence);
            Assert.True(before.Champion is null || _state.Champion is not null);
            if (_state.Champion != before.Champion)
            {
                lastOther = before.Champion;
                Assert.NotEqual(before.DesiredSequence, _state.DesiredSequence);
                Assert.Null(_state.Find(_state.Champion!)!.Quarantine);
            }

            Assert.Equal(lastOther, _state.Previous);
            foreach (var aliased in new[] { _state.Champion, _state.Previous, _state.Challenger }.OfType<ModelVersionId>())
            {
                Assert.False(_state.Find(aliased)!.Deleted);
            }

            Assert.Equal(_state.Challenger is not null, _state.CanaryShare is not null || _state.ShadowShare is not null);
            Assert.True(_state.Challenger is null || _state.Challenger != _state.Champion);
            Assert.True(_state.Challenger is null || _state.Find(_state.Challenger)!.Quarantine is null);
            if (_state.Sequence != before.Sequence && _state.DesiredSequence == before.DesiredSequence)
            {
                Assert.Equal(before.Desired, _state.Desired);
            }
        }

        var replayed = _journal.Aggregate(RegistryState.Empty, (state, e) => state.Apply(e));
        var snapshot = WireTypes.All.Single(t => t.Type == typeof(RegistryState));
        Assert.Equal(snapshot.Encode(_state), snapshot.Encode(replayed));
        Assert.Equal(snapshot.Encode(_state), snapshot.Encode(snapshot.Decode(snapshot.Encode(_state))));
        Assert.NotNull(_state.Champion);
    }

    private IRegistryCommand Random(Random random)
    {
        var id = random.Next(40);
        return random.Next(11) switch
        {
            0 => new RegistryFindings.Admit(Of(id, 0.55 + (random.NextDouble() / 10), content: random.Next(2))),
            1 => new RegistryFindings.Admit(Of(id)),
            2 => new Promote(Id(id), random.Next(2) == 0),
            3 => new Rollback("Random."),
            4 => new SetCanary(Id(id), random.NextDouble() * 1.1),
            5 => new SetShadow(_state.Challenger ?? Id(id), random.NextDouble()),
            6 => random.Next(2) == 0 ? EndCanary.Instance : EndShadow.Instance,
            7 => new Delete(Id(id)),
            8 => random.Next(20) == 0 ? new Quarantine(Id(id), "Random.") : EndCanary.Instance,
            9 => new RegistryFindings.ChampionFailed(random.Next(20) == 0 ? _state.DesiredSequence : _state.DesiredSequence - 1, "Random."),
            _ => new RegistryFindings.ChallengerFailed(random.Next(20) == 0 ? _state.DesiredSequence : _state.DesiredSequence - 1, "Random."),
        };
    }

    private void Champion(int number)
    {
        Do(new RegistryFindings.Admit(Of(number)));
        Assert.Equal(RegistryCode.Done, Do(new Promote(Id(number))).Code);
    }

    private RegistryReply Do(IRegistryCommand command)
    {
        var decision = _state.ProcessCommand(command, new GateOptions(), Now);
        Assert.True(decision.Events.Count == 0 || decision.Reply.Code == RegistryCode.Done);
        foreach (var e in decision.Events)
        {
            _journal.Add(e);
            _state = _state.Apply(e);
        }

        return decision.Reply;
    }
}
