using FerActors.Testing.Files;
using FerActors.Testing.Models;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using static FerActors.Shared.Labels.Expression;

namespace FerActors.Training.Tests.Evaluation;

public sealed class ModelCardSpecs
{
    private static readonly Predictions Some = Logits.Of((Happy, Happy, 5), (Happy, Sad, 5), (Sad, Sad, 2), (Fear, Fear, 1));

    private static readonly ModelCardFacts Facts = new()
    {
        Name = "compact-vit",
        Version = "3",
        Summary = "A small Vision Transformer.",
        License = "mit",
        Developers = "The team",
        Architecture = "ViT, patch 6, width 192, 9 layers",
        Parameters = 2_690_000,
        InputSide = 48,
        WeightsSha256 = "feed",
        DatasetNotes = "Leaks were left out.",
        TrainingImages = 28_000,
        TrainingHistogram = [1, 2, 3, 4, 5, 6, 7],
        TrainingDataSha256 = "cafe",
        Preprocessing = "Grey, scaled to [-1, 1].",
        Command = "feractors train --data fer.csv --seed 42",
        Seed = 42,
        Hyperparameters = [new("learning rate", "0.001"), new("schedule", "cosine | warm-up")],
        TrainingTime = new TimeSpan(27, 5, 9),
        Hardware = "2 cores",
        Software = "TorchSharp 0.107",
        Evaluations = [EvaluationReport.Create(Some, FerUsage.PublicTest, "beef", "flip", TemperatureScaling.Fit(Some), FerUsage.PublicTest)],
        Date = new DateOnly(2026, 3, 4),
    };

    [Theory]
    [InlineData("# Model Card for compact-vit")]
    [InlineData("## Model Details")]
    [InlineData("### Model Description")]
    [InlineData("## Uses")]
    [InlineData("### Direct Use")]
    [InlineData("### Downstream Use")]
    [InlineData("### Out-of-Scope Use")]
    [InlineData("## Bias, Risks, and Limitations")]
    [InlineData("### Recommendations")]
    [InlineData("## How to Get Started with the Model")]
    [InlineData("## Training Details")]
    [InlineData("### Training Data")]
    [InlineData("### Training Procedure")]
    [InlineData("#### Training Hyperparameters")]
    [InlineData("## Evaluation")]
    [InlineData("### Testing Data, Factors & Metrics")]
    [InlineData("#### Factors")]
    [InlineData("#### Metrics")]
    [InlineData("### Results")]
    [InlineData("## Technical Specifications")]
    [InlineData("## Model Card Contact")]
    public void A_card_has_the_headings_of_the_template(string heading) =>
        Assert.Single(ModelCard.Build(Facts).Split('\n'), line => line == heading);

    [Theory]
    [InlineData("Article 5(1)(f)")]
    [InlineData("workplace and education")]
    [InlineData("**An expression is not a felt emotion.**")]
    [InlineData("feractors train --data fer.csv --seed 42")]
    [InlineData("| seed | 42 |")]
    [InlineData("| schedule | cosine \\| warm-up |")]
    [InlineData("- **Training time:** 27 h 5 min 9 s")]
    [InlineData("FER2013, 28,000 images. Leaks were left out.")]
    [InlineData("| Happy | 0 | 0 | 0 | **1** | 1 | 0 | 0 |")]
    [InlineData("PrivateTest, the official test split, was not used.")]
    [InlineData("That is the split reported here")]
    [InlineData("- **Finetuned from:** nothing; trained from scratch")]
    public void A_card_states_its_facts(string text) => Assert.Contains(text, ModelCard.Build(Facts), StringComparison.Ordinal);

    [Fact]
    public void The_front_matter_is_yaml_that_facts_cannot_break()
    {
        var card = ModelCard.Build(Facts with { License = "other\"\nevil: true", BaseModel = "org/base", Tags = ["vit", "compact: yes"] });

        var head = card.Split("---\n")[1];

        Assert.StartsWith("license: \"other\\\"\\nevil: true\"\n", head, StringComparison.Ordinal);
        Assert.Contains("base_model: \"org/base\"\n", head, StringComparison.Ordinal);
        Assert.Contains("- \"compact: yes\"\n", head, StringComparison.Ordinal);
        Assert.Single(head.Split('\n'), line => line == "- \"vit\"");
        Assert.Contains("    - type: accuracy\n      value: 0.7500\n", head, StringComparison.Ordinal);
        Assert.Contains("      split: \"PublicTest\"\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_somebody_s_machine_is_no_base_model_of_the_Hub()
    {
        var trained = ModelCard.Build(Facts with { BaseModel = "plus2" });
        var averaged = ModelCard.Build(Facts with { AverageOf = ["seed1", "org/seed2"], Seed = null, Hyperparameters = [] });

        Assert.DoesNotContain("base_model", trained + averaged, StringComparison.Ordinal);
        Assert.Contains("- **Finetuned from:** plus2\n", trained, StringComparison.Ordinal);
    }

    [Fact]
    public void An_average_names_its_models_instead_of_a_seed()
    {
        var card = ModelCard.Build(Facts with { AverageOf = ["org/seed1", "org/seed2"], Seed = null, Hyperparameters = [] });

        Assert.Contains("base_model:\n- \"org/seed1\"\n- \"org/seed2\"\nbase_model_relation: merge\n", card, StringComparison.Ordinal);
        Assert.Contains("- **Average of the weights of:** org/seed1, org/seed2\n", card, StringComparison.Ordinal);
        Assert.Contains("stand in their own cards.", card, StringComparison.Ordinal);
        Assert.DoesNotContain("trained from scratch", card, StringComparison.Ordinal);
        Assert.DoesNotContain("| seed |", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_evaluations_says_so()
    {
        var card = ModelCard.Build(Facts with { Evaluations = [], TrainingTime = null, Contact = "team@example.org" });

        Assert.Contains("This version was not evaluated.", card, StringComparison.Ordinal);
        Assert.DoesNotContain("model-index", card, StringComparison.Ordinal);
        Assert.Contains("not recorded", card, StringComparison.Ordinal);
        Assert.EndsWith("team@example.org\n", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_split_and_a_temperature_from_elsewhere_need_no_warning()
    {
        var report = EvaluationReport.Create(Some, FerUsage.PrivateTest, "beef", "plain", TemperatureScaling.Fit(Some), FerUsage.PublicTest);
        var bare = EvaluationReport.Create(Some, FerUsage.PublicTest, "beef");

        var card = ModelCard.Build(Facts with { Evaluations = [report, bare], Repository = "r", GitCommit = "c", Teacher = "t", FurtherLimitations = ["Weak on fear."] });

        Assert.DoesNotContain("was not used", card, StringComparison.Ordinal);
        Assert.DoesNotContain("too good", card, StringComparison.Ordinal);
        Assert.Contains("No temperature was fitted.", card, StringComparison.Ordinal);
        Assert.Contains("- Weak on fear.\n", card, StringComparison.Ordinal);
        Assert.Contains("- **Distilled from:** t\n", card, StringComparison.Ordinal);
        Assert.Contains("### Model Sources", card, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "Input 48x48; one channel, the grey value.")]
    [InlineData(3, "Input 48x48; the grey value stands in all three channels.")]
    public void A_card_says_what_the_input_channels_hold(int channels, string sentence) =>
        Assert.Contains(sentence, ModelCard.Build(Facts with { InputChannels = channels }), StringComparison.Ordinal);

    [Fact]
    public void A_command_with_back_ticks_stays_inside_its_fence()
    {
        var card = ModelCard.Build(Facts with { Command = "echo ```x```" });

        Assert.Contains("````bash\necho ```x```\n````\n", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_histogram_of_another_length_is_refused() =>
        Assert.Throws<ArgumentException>(() => ModelCard.Build(Facts with { TrainingHistogram = [1] }));

    [Fact]
    public async Task The_card_is_written_beside_the_weights()
    {
        using var folder = new TemporaryFolder();

        await ModelCard.WriteAsync(folder.Root, Facts);

        Assert.Equal(ModelCard.Build(Facts), await File.ReadAllTextAsync(Path.Combine(folder.Root, "README.md")));
    }
}
