using System.Text.Json.Nodes;
using FerActors.Training.Configuration;
using FerActors.Training.Engine;
using FerActors.Training.Sweeps;

namespace FerActors.Training.Tests.Sweeps;

public sealed class SweepSpaceSpecs
{
    [Fact]
    public void A_grid_takes_every_combination_and_the_last_option_varies_fastest()
    {
        var space = SweepSpace.Parse("""
            method: grid
            base: { preset: tiny, mix: { probability: 0 } }
            parameters:
              epochs: { distribution: int_uniform, min: 1, max: 2 }
              label_smoothing: { min: 0, max: 0.3, step: 0.1 }
            """);

        Assert.Equal(
            ["1 0", "1 0.1", "1 0.2", "1 0.3", "2 0", "2 0.1", "2 0.2", "2 0.3"],
            space.Plan().Select(values => $"{values["epochs"]} {values["label_smoothing"]}"));
        Assert.Equal("tiny", space.Base.Preset);
        Assert.Equal(0, space.Base.Mix.Probability);
    }

    [Fact]
    public void Random_draws_stay_in_their_ranges_and_are_the_same_each_time()
    {
        const string text = """
            {"method": "random", "trials": 200, "seed": 3, "parameters": {
              "learning_rate": {"distribution": "log_uniform", "min": 1e-4, "max": 1e-1},
              "drop_path": {"min": 0, "max": 0.5},
              "weight_decay": {"min": 0, "max": 0.1, "step": 0.025},
              "batch_size": {"values": [16, 32]},
              "epochs": {"distribution": "int_uniform", "min": 2, "max": 9}}}
            """;
        var plan = SweepSpace.Parse(text).Plan();

        Assert.Equal(200, plan.Count);
        Assert.Equal(plan.Select(p => p.ToJsonString()), SweepSpace.Parse(text).Plan().Select(p => p.ToJsonString()));
        Assert.All(plan, values =>
        {
            Assert.InRange((double)values["learning_rate"]!, 1e-4, 1e-1);
            Assert.InRange((double)values["drop_path"]!, 0, 0.5);
            Assert.Contains((double)values["weight_decay"]!, new[] { 0, 0.025, 0.05, 0.075, 0.1 });
            Assert.Contains((long)values["batch_size"]!, new[] { 16L, 32L });
        });
        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9], plan.Select(values => (long)values["epochs"]!).Distinct().Order());

        // Logarithmic: as many below as above the geometric mean, within five standard deviations.
        Assert.InRange(plan.Count(values => (double)values["learning_rate"]! < Math.Sqrt(1e-5)), 65, 135);
        Assert.All(plan.Take(20), values => Assert.Empty(SweepOptions.Apply(new TrainingOptions(), values).Validate()));
    }

    [Fact]
    public void More_trials_of_the_same_space_begin_with_the_same_ones()
    {
        static List<string> Plan(int trials) => [.. SweepSpace
            .Parse($"trials: {trials}\nparameters:\n  drop_path: {{ min: 0, max: 0.5 }}").Plan().Select(p => p.ToJsonString())];

        Assert.Equal(Plan(3), Plan(5).Take(3));
    }

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var error = Assert.Throws<TrainingConfigurationException>(() => SweepSpace.Parse("""
            method: bayes
            trails: 3
            trials: 0
            base: { epochz: 2 }
            parameters:
              learning_rat: { min: 1, max: 2 }
              epochs: { min: 5, max: 5 }
              drop_path: { values: [] }
              weight_decay: { distribution: log_uniform, min: 0, max: 1 }
              clip_norm: { min: 1 }
              batch_size: { distribution: int_uniform, min: 1.5, max: 4 }
            """));

        Assert.All(
            ["method", "trails", "trials", "epochz", "learning_rat", "epochs", "drop_path", "weight_decay", "clip_norm", "batch_size"],
            name => Assert.Contains(error.Errors, e => e.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_grid_over_a_continuum_is_refused()
    {
        var error = Assert.Throws<TrainingConfigurationException>(() => SweepSpace.Parse("{method: grid, parameters: {drop_path: {min: 0, max: 0.5}}}"));

        Assert.Contains("step", Assert.Single(error.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{}")]
    [InlineData("{parameters: {}}")]
    [InlineData("{parameters: [1]}")]
    [InlineData("{parameters: {epochs: 3}}")]
    public void What_declares_no_search_is_refused(string text) => Assert.Throws<TrainingConfigurationException>(() => SweepSpace.Parse(text));

    [Fact]
    public void Values_reach_the_options_by_their_names()
    {
        var options = SweepOptions.Apply(new TrainingOptions(), new JsonObject
        {
            ["learning_rate"] = 0.5,
            ["augmentation.flip_probability"] = 0.25,
            ["mix"] = new JsonObject { ["probability"] = 1 },
        });

        Assert.Equal(0.5, options.LearningRate);
        Assert.Equal(0.25f, options.Augmentation.FlipProbability);
        Assert.Equal(1, options.Mix.Probability);
        Assert.Equal(new TrainingOptions().Mix.MixupAlpha, options.Mix.MixupAlpha);
    }

    [Theory]
    [InlineData("lerning_rate", 1.0)]
    [InlineData("augmentation.flip", 1.0)]
    [InlineData("learning_rate.deeper", 1.0)]
    [InlineData("epochs", 1.5)]
    [InlineData("drop_path", 2.0)]
    public void A_value_that_cannot_arrive_is_refused(string name, double value)
    {
        var error = Assert.Throws<FormatException>(() => SweepOptions.Apply(new TrainingOptions(), new JsonObject { [name] = value }));

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }
}
