using System.Text;
using FerActors.Testing.Files;
using FerActors.Training.Augmentation;
using FerActors.Training.Configuration;
using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Configuration;

public sealed class RunConfigurationSpecs : IDisposable
{
    private const string Yaml = """
        # a run
        data: fer2013.csv.gz
        model: models/mine
        version: 2
        epochs: 12
        learning_rate: 3e-5
        init_from: 'hub:org/name@main'
        class_weights: effective_number
        augmentation:
          flip_probability: 0.25
          scale: { low: 0.8 }
          erasing_fill: mean
        distillation:
          teachers:
            - models/a
            - models/b
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_read_and_what_it_leaves_out_keeps_its_default()
    {
        var read = Load("run.yaml", Yaml);

        Assert.Equal(("fer2013.csv.gz", "models/mine", "2"), (read.Settings.Data, read.Settings.Model, read.Settings.Version));
        Assert.Equal(12, read.Options.Epochs);
        Assert.Equal(3e-5, read.Options.LearningRate);
        Assert.Equal("hub:org/name@main", read.Options.InitFrom);
        Assert.Equal(["models/a", "models/b"], read.Options.Distillation.Teachers);
        Assert.Equal(0.25f, read.Options.Augmentation.FlipProbability);
        Assert.Equal(ErasingFill.Mean, read.Options.Augmentation.ErasingFill);
        Assert.Equal(new ValueRange(0.8f, 1.2f), read.Options.Augmentation.Scale);
        Assert.Equal(new TrainingOptions().Mix, read.Options.Mix);
        Assert.Equal(new TrainingOptions().BatchSize, read.Options.BatchSize);
    }

    [Fact]
    public void Labels_that_need_votes_are_refused_with_all_else_that_is_wrong_where_no_votes_are_named()
    {
        var fault = Assert.Throws<TrainingConfigurationException>(() => Load("run.yaml", Yaml + "\nlabels: mixed\nvotes_share: 1.5\n"));
        var agreement = Assert.Throws<TrainingConfigurationException>(() => Load("run.yaml", Yaml + "\nearly_stopping: { metric: agreement }\n"));
        var unknown = Assert.Throws<TrainingConfigurationException>(() => Load("run.yaml", Yaml + "\nlabels: ferplus\n"));
        var read = Load("run.yaml", Yaml + "\nlabels: mixed\nvotes_share: 0.3\nvotes: fer2013new.csv\n");

        Assert.Equal(
            ["votes_share is 1.5; it must be from 0 to 1.", "labels is 'mixed', but votes is missing; name fer2013new.csv."], fault.Errors);
        Assert.Equal(["early_stopping.metric is 'agreement', but votes is missing; name fer2013new.csv."], agreement.Errors);
        Assert.Equal(["labels is 'ferplus'; it must be fer2013 or votes or mixed."], unknown.Errors);
        Assert.Equal(("mixed", 0.3, "fer2013new.csv"), (read.Options.Labels, read.Options.VotesShare, read.Settings.Votes));
    }

    [Fact]
    public void What_is_printed_back_is_everything_and_reads_as_the_same()
    {
        var read = Load("run.yaml", Yaml);

        var asJson = Load("run.json", read.ToJson());
        var asYaml = Load("again.yaml", read.ToJson());

        Assert.Equal(read.ToJson(), asJson.ToJson());
        Assert.Equal(read.ToJson(), asYaml.ToJson());
        Assert.Contains("\"clip_norm\": 1", read.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_options_of_a_run_s_folder_are_a_configuration_too()
    {
        var options = new TrainingOptions { Epochs = 4, Distillation = new() { Teachers = ["a"] } };

        Assert.True(options.IsSameAs(RunConfiguration.Parse(options.ToJson()).Options));
    }

    [Fact]
    public void Overrides_win_over_the_file_and_later_ones_over_earlier_ones()
    {
        var read = Load(
            "run.yaml", Yaml, "epochs=3", "epochs=5", "augmentation.scale.high=1.1", "distillation.teachers=[x, y]", "mix.probability=0", "init_from=null",
            "data=a=b.csv");

        Assert.Equal(5, read.Options.Epochs);
        Assert.Equal(new ValueRange(0.8f, 1.1f), read.Options.Augmentation.Scale);
        Assert.Equal(["x", "y"], read.Options.Distillation.Teachers);
        Assert.Equal(0, read.Options.Mix.Probability);
        Assert.Equal(new TrainingOptions().Mix.MixupAlpha, read.Options.Mix.MixupAlpha);
        Assert.Null(read.Options.InitFrom);
        Assert.Equal("a=b.csv", read.Settings.Data);
    }

    [Fact]
    public void All_mistakes_are_told_at_once_each_with_its_name()
    {
        var fault = Assert.Throws<TrainingConfigurationException>(() => Load(
            "run.yaml",
            """
            epoch: 3
            epochs: three
            seed: null
            mix: 7
            compute: fp16
            augmentation: { flip_probability: 2, wrap_probability: 1 }
            early_stopping: { metric: f1 }
            """,
            "layer_decay=2", "nonsense", "checkpoint_seconds=-1", "distillation.temperature=hot"));

        Assert.Equal(
            [
                "epoch is no option. Is epochs meant?",
                "epochs is \"three\"; it must be a whole number.",
                "seed is null; it must be a whole number.",
                "mix is 7; it is a section of options (probability, mixup_alpha, cut_mix_alpha, cut_mix_share).",
                "augmentation.wrap_probability is no option. Is warp_probability meant?",
                "'nonsense' is no override; write name=value or section.name=value.",
                "distillation.temperature is \"hot\"; it must be a number.",
                "data is missing; name fer2013.csv or an image folder.",
                "model is missing; name the model folder to write.",
                "checkpoint_seconds is -1; it must be from 0 to 86400.",
                "layer_decay is 2; it must be above 0 and at most 1.",
                "early_stopping.metric is 'f1'; it must be accuracy or macro_f1 or loss or agreement.",
                "compute is 'fp16'; it must be auto or bf16 or fp32.",
                "augmentation.flip_probability has to lie within 0 to 1.",
            ],
            fault.Errors);
        Assert.All(fault.Errors, e => Assert.Contains(e, fault.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a.yaml", "seed: 1\nepochs: ]", "line 2: ")]
    [InlineData("a.yaml", "epochs: 1\nepochs: 2", "line 2 gives 'epochs' a second time")]
    [InlineData("a.yaml", "epochs: &a 1\nseed: *a", "line 1 has an anchor")]
    [InlineData("a.yaml", "epochs: !!int 1", "line 1 has an anchor, an alias or a tag")]
    [InlineData("a.yaml", "epochs: 1\n---\nepochs: 2", "more than one document")]
    [InlineData("a.yaml", "? [a]\n: 1", "line 1 has a name that is no text")]
    [InlineData("a.yaml", "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "nested deeper than 16 levels")]
    [InlineData("a.yaml", "epochs: 3\nbatch_size: {!x \nseed:\"7\nl", "it breaks off within a value")]
    [InlineData("a.json", "{\"epochs\": 1, \"epochs\": 2}", "cannot be read")]
    [InlineData("a.json", "{", "cannot be read")]
    [InlineData("a.yaml", "- 1", "is no list of names with values")]
    public void A_file_that_cannot_be_read_is_refused_with_its_place(string name, string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<TrainingConfigurationException>(() => Load(name, text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_of_any_size_is_not_read()
    {
        var path = _folder.Write("huge.yaml", new byte[ConfigurationText.MaxBytes + 1]);

        var fault = Assert.Throws<TrainingConfigurationException>(() => RunConfiguration.Load(path, []));

        Assert.Contains("more than 1048576 bytes", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    public void An_empty_file_is_the_defaults(string text) => Assert.True(new TrainingOptions().IsSameAs(RunConfiguration.Parse(text).Options));

    [Theory]
    [InlineData("fast", "fast")]
    [InlineData("'12'", "12")]
    [InlineData("12", "12")]
    [InlineData("007", "007")]
    [InlineData("2026-01-31", "2026-01-31")]
    [InlineData("true", "true")]
    public void A_text_may_look_like_anything(string yaml, string text) =>
        Assert.Equal(text, RunConfiguration.Parse($"version: {yaml}").Settings.Version);

    private RunConfiguration Load(string name, string text, params string[] overrides) =>
        RunConfiguration.Load(_folder.Write(name, Encoding.UTF8.GetBytes(text)), overrides);
}
