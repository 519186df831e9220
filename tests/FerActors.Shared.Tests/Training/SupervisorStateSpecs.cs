using FerActors.Control.Wire;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Shared.Tests.Training;

public sealed class SupervisorStateSpecs
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly RunId A = RunId.Parse("a");

    [Fact]
    public void Runs_are_queued_by_priority_and_then_by_order()
    {
        var state = new SupervisorState();
        foreach (var (id, priority) in new[] { ("a", 0), ("b", 5), ("c", 0), ("d", 5) })
        {
            state = Do(state, new TrainingCommands.Submit(Spec(id, priority)));
        }

        Assert.Equal(["b", "d", "a", "c"], state.Queue.Select(r => r.Spec.Id.Value));
    }

    [Fact]
    public void The_same_submit_again_changes_nothing_and_another_run_under_its_id_is_refused()
    {
        var state = Submitted();

        var (same, none) = state.ProcessCommand(new TrainingCommands.Submit(Spec("a", 0)), Now);
        var (other, neither) = state.ProcessCommand(new TrainingCommands.Submit(Spec("a", 1)), Now);

        Assert.Equal((CommandCode.NoChange, CommandCode.Refused), (same.Code, other.Code));
        Assert.Empty(none.Concat(neither));
    }

    [Theory]
    [InlineData(RunState.Submitted, false)]
    [InlineData(RunState.Preparing, false)]
    [InlineData(RunState.Running, false)]
    [InlineData(RunState.Evaluating, false)]
    [InlineData(RunState.Paused, false)]
    [InlineData(RunState.Registered, false)]
    [InlineData(RunState.Registered, true)]
    [InlineData(RunState.Failed, true)]
    [InlineData(RunState.Cancelled, true)]
    public void A_version_name_is_reserved_until_the_registry_has_it_or_the_run_has_given_it_up(RunState state, bool over)
    {
        var run = Submitted().Runs[A] with { State = state, Confirmed = over && state == RunState.Registered };
        var states = Submitted() with { Runs = Submitted().Runs.SetItem(A, run) };

        var (reply, _) = states.ProcessCommand(new TrainingCommands.Submit(Spec("b", 0) with { ModelVersion = run.Spec.ModelVersion }), Now);
        var (other, _) = states.ProcessCommand(new TrainingCommands.Submit(Spec("b", 0)), Now);

        Assert.Equal((over ? CommandCode.Accepted : CommandCode.Refused, CommandCode.Accepted), (reply.Code, other.Code));
        Assert.True(over || reply.Sentence == $"The version name 'v-a' is reserved by run 'a', which is {state}. Choose another, or cancel that run.");
    }

    [Fact]
    public void A_refusal_names_the_state()
    {
        var (reply, events) = Submitted().ProcessCommand(new TrainingCommands.Resume(A), Now);

        Assert.Equal(CommandCode.Refused, reply.Code);
        Assert.Contains(nameof(RunState.Submitted), reply.Sentence, StringComparison.Ordinal);
        Assert.Empty(events);
    }

    [Fact]
    public void A_running_run_is_paused_once_its_worker_has_stopped_and_keeps_its_place_until_then()
    {
        var state = Do(Running(), new TrainingCommands.Pause(A));
        Assert.Equal((RunState.Running, 1), (state.Runs[A].State, state.Occupied("n1")));

        state = Do(state, new TrainingReports.Stopped(A, 1));
        Assert.Equal((RunState.Paused, 0), (state.Runs[A].State, state.Occupied("n1")));

        Assert.Equal(RunState.Submitted, Do(state, new TrainingCommands.Resume(A)).Runs[A].State);
    }

    [Fact]
    public void A_run_whose_node_is_lost_again_and_again_fails_and_a_finished_epoch_forgives()
    {
        var state = Running();
        state = Do(state, new TrainingReports.Lost(A, 1));
        state = Do(state, new TrainingReports.Assign(A, "n2"));
        state = Do(state, new TrainingReports.Lost(A, 2));
        state = Do(state, new TrainingReports.Assign(A, "n1"));
        var forgiven = Do(state, new TrainingReports.Epoch(A, 3, new EpochMetrics(1, 10, 1, 0.5, 0.4)));

        Assert.Equal(RunState.Failed, Do(state, new TrainingReports.Lost(A, 3)).Runs[A].State);
        Assert.Equal(RunState.Submitted, Do(forgiven, new TrainingReports.Lost(A, 3)).Runs[A].State);
    }

    [Fact]
    public void A_run_whose_node_shuts_down_in_good_order_is_not_held_to_blame()
    {
        var state = Running();
        for (var attempt = 1; attempt < 5; attempt++)
        {
            state = Do(state, new TrainingReports.Stopped(A, attempt));
            state = Do(state, new TrainingReports.Assign(A, "n1"));
        }

        Assert.Equal((5, 0), (state.Runs[A].Attempt, state.Runs[A].Crashes));
    }

    [Fact]
    public void An_answer_shows_the_run_as_the_command_leaves_it()
    {
        var (reply, _) = Submitted().ProcessCommand(new TrainingReports.Assign(A, "n1"), Now);

        Assert.Equal((RunState.Preparing, "n1", 1), (reply.Run!.Run.State, reply.Run.Run.Node, reply.Run.Run.Attempt));
    }

    [Fact]
    public void A_description_is_bounded_in_bytes_and_not_in_characters()
    {
        var options = new string('\u00e9', 17_000);

        var (reply, events) = new SupervisorState().ProcessCommand(
            new TrainingCommands.Submit(Spec("a", 0) with { OptionsJson = options }), Now);

        Assert.Equal(CommandCode.Invalid, reply.Code);
        Assert.Empty(events);
    }

    [Fact]
    public void A_list_leaves_out_the_options_and_is_given_in_pages_that_a_frame_can_carry()
    {
        var spec = Spec("a", 0) with { OptionsJson = new string(' ', 20_000), DataPath = new string('d', 1000) };
        var runs = Enumerable.Range(1, 300)
            .Select(i => new RunView(new TrainingRun(spec, RunState.Submitted, i, Now, Now), null))
            .ToList();

        var pages = new List<RunList> { RunList.Page(runs, 0) };
        while (pages[^1].More)
        {
            pages.Add(RunList.Page(runs, pages[^1].Runs[^1].Run.Order));
        }

        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), pages.SelectMany(p => p.Runs).Select(r => r.Run.Order));
        var wire = WireTypes.All.Single(t => t.Type == typeof(RunList));
        Assert.All(pages, page => Assert.InRange(wire.Encode(page).Length, 1, 128_000));
    }

    [Fact]
    public void A_report_of_an_earlier_attempt_is_void()
    {
        var state = Do(Running(), new TrainingReports.Lost(A, 1));
        state = Do(state, new TrainingReports.Assign(A, "n2"));

        var (reply, events) = state.ProcessCommand(new TrainingReports.Finished(A, 1, "models/a"), Now);

        Assert.Equal(CommandCode.Refused, reply.Code);
        Assert.Empty(events);
    }

    [Fact]
    public void A_model_that_the_registry_never_takes_can_be_given_up_and_one_that_it_has_cannot()
    {
        var finished = Do(Running(), new TrainingReports.Finished(A, 1, "models/a"));
        var taken = Do(finished, new TrainingReports.Confirmed(A));

        var given = Do(finished, new TrainingCommands.Cancel(A));

        Assert.Equal((RunState.Cancelled, "models/a"), (given.Runs[A].State, given.Runs[A].ModelFolder));
        Assert.Empty(given.ProcessCommand(new TrainingReports.Confirmed(A), Now).Events);
        Assert.Empty(Do(given, new TrainingCommands.Delete(A)).Runs);
        Assert.Equal(CommandCode.Refused, taken.ProcessCommand(new TrainingCommands.Cancel(A), Now).Reply.Code);
    }

    [Fact]
    public void A_run_that_the_registry_has_not_taken_cannot_be_deleted()
    {
        var state = Do(Running(), new TrainingReports.Finished(A, 1, "models/a"));
        Assert.Equal(CommandCode.Refused, state.ProcessCommand(new TrainingCommands.Delete(A), Now).Reply.Code);

        state = Do(Do(state, new TrainingReports.Confirmed(A)), new TrainingCommands.Delete(A));

        Assert.Empty(state.Runs);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_asked_the_limit_holds_every_event_is_allowed_and_a_replay_gives_the_same_state(int seed)
    {
        var random = new Random(seed);
        var journal = new List<ITrainingEvent>();
        var state = new SupervisorState(RunsPerNode: 2);
        for (var i = 0; i < 5000; i++)
        {
            var (_, events) = state.ProcessCommand(Any(random, state), Now.AddSeconds(i));
            foreach (var happened in events)
            {
                state = state.Apply(happened);
                journal.Add(happened);
            }

            Assert.All(new[] { "n1", "n2" }, node => Assert.InRange(state.Occupied(node), 0, 2));
            Assert.All(state.Runs.Values, run => Assert.Equal(run.Occupies, run.Node is not null));
        }

        var replayed = journal.Aggregate(new SupervisorState(RunsPerNode: 2), (s, e) => s.Apply(e));
        Assert.Equal(state.Runs.OrderBy(r => r.Key.Value), replayed.Runs.OrderBy(r => r.Key.Value));
        Assert.Equal(state.Submissions, replayed.Submissions);
        Assert.Equal(13, journal.Select(e => e.GetType()).Distinct().Count());
    }

    private static ITrainingCommand Any(Random random, SupervisorState state)
    {
        var id = RunId.Parse("r" + random.Next(6));
        var attempt = (state.Runs.GetValueOrDefault(id)?.Attempt ?? 1) - (random.Next(5) == 0 ? 1 : 0);
        return random.Next(15) switch
        {
            0 or 1 => new TrainingCommands.Submit(Spec(id.Value, random.Next(3))),
            2 => new TrainingCommands.Cancel(id),
            3 => new TrainingCommands.Pause(id),
            4 => new TrainingCommands.Resume(id),
            5 => new TrainingCommands.Delete(id),
            6 or 7 => new TrainingReports.Assign(id, "n" + random.Next(1, 3)),
            8 => new TrainingReports.Lost(id, attempt),
            9 => new TrainingReports.Phase(id, attempt, (RunState)random.Next(8)),
            10 => new TrainingReports.Epoch(id, attempt, new EpochMetrics(random.Next(1, 9), 1, 1, 0.5, 0.4)),
            11 => new TrainingReports.Finished(id, attempt, "models/x"),
            12 => new TrainingReports.Failed(id, attempt, "The data has errors."),
            13 => new TrainingReports.Stopped(id, attempt),
            _ => new TrainingReports.Confirmed(id),
        };
    }

    private static SupervisorState Submitted() => Do(new SupervisorState(), new TrainingCommands.Submit(Spec("a", 0)));

    private static SupervisorState Running() =>
        Do(Do(Submitted(), new TrainingReports.Assign(A, "n1")), new TrainingReports.Phase(A, 1, RunState.Running));

    private static SupervisorState Do(SupervisorState state, ITrainingCommand command)
    {
        var (reply, events) = state.ProcessCommand(command, Now);
        Assert.Equal(CommandCode.Accepted, reply.Code);
        return events.Aggregate(state, (s, e) => s.Apply(e));
    }

    private static RunSpec Spec(string id, int priority) =>
        new(RunId.Parse(id), "run", "{}", "data.csv", null, priority, ModelVersionId.Parse($"v-{id}"));
}
