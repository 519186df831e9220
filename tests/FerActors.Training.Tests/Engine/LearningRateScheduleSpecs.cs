using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

public sealed class LearningRateScheduleSpecs
{
    private static readonly LearningRateSchedule Schedule = new(Peak: 1, Final: 0.1, WarmupSteps: 10, TotalSteps: 110);

    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(5, 0.5)]
    [InlineData(10, 1)]
    public void The_rate_rises_in_equal_steps_to_its_peak(long step, double rate) => Assert.Equal(rate, Schedule.At(step), 12);

    [Theory]
    [InlineData(35, 0.8681980515339464)]
    [InlineData(60, 0.55)]
    [InlineData(110, 0.1)]
    public void Then_it_falls_along_half_a_cosine(long step, double rate) => Assert.Equal(rate, Schedule.At(step), 12);

    [Fact]
    public void It_never_rises_again_and_stays_within_its_bounds()
    {
        var rates = Enumerable.Range(10, 150).Select(step => Schedule.At(step)).ToList();

        Assert.All(rates.Zip(rates.Skip(1)), pair => Assert.True(pair.Item2 <= pair.Item1));
        Assert.All(rates, rate => Assert.InRange(rate, 0.1, 1));
    }

    [Fact]
    public void A_step_after_the_last_keeps_the_final_rate() => Assert.Equal(0.1, Schedule.At(1_000), 12);

    [Fact]
    public void Without_a_warm_up_the_first_step_is_already_on_the_cosine()
    {
        var schedule = new LearningRateSchedule(1, 0, 0, 4);

        Assert.Equal((1 + Math.Cos(Math.PI / 4)) / 2, schedule.At(1), 12);
        Assert.Equal(0, schedule.At(4), 12);
    }

    [Fact]
    public void A_run_that_is_all_warm_up_ends_at_the_peak()
    {
        var schedule = new LearningRateSchedule(1, 0.1, 4, 4);

        Assert.Equal([0.25, 0.5, 0.75, 1], Enumerable.Range(1, 4).Select(step => schedule.At(step)));
    }
}
