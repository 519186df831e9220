using System.Globalization;
using System.Text;
using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>
/// Writes the model card, README.md of a model folder, under the headings of Hugging Face's template (Mitchell et al.,
/// "Model cards for model reporting", 2019).
/// </summary>
public static class ModelCard
{
    public const string FileName = "README.md";

    private const string Marker = "`";

    /// <summary>The card as Markdown with YAML front matter.</summary>
    /// <exception cref="ArgumentException">The histogram has not one number a class.</exception>
    public static string Build(ModelCardFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        if (facts.TrainingHistogram.Count != ExpressionNames.Count)
        {
            throw new ArgumentException($"The histogram has {facts.TrainingHistogram.Count} numbers.", nameof(facts));
        }

        var text = new StringBuilder();
        ModelCardFrontMatter.Append(text, facts);
        text.Append(CultureInfo.InvariantCulture, $"# Model Card for {Line(facts.Name)}\n\n{facts.Summary}\n\n");
        AppendDetails(text, facts);
        AppendUses(text);
        AppendLimitations(text, facts);
        AppendStart(text);
        AppendTraining(text, facts);
        AppendEvaluation(text, facts);
        AppendSpecifications(text, facts);
        text.Append("## Model Card Contact\n\n").Append(facts.Contact ?? "No contact was given.").Append('\n');
        return text.ToString();
    }

    /// <summary>Writes README.md into a folder, replacing an older one at once or not at all.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static Task WriteAsync(string folder, ModelCardFacts facts, CancellationToken cancellationToken = default) =>
        ReplacedFile.WriteAsync(Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(Build(facts)), cancellationToken);

    private static void AppendDetails(StringBuilder text, ModelCardFacts facts)
    {
        text.Append("## Model Details\n\n### Model Description\n\n");
        AppendFact(text, "Developed by", facts.Developers);
        AppendFact(text, "Model type", facts.Architecture);
        AppendFact(text, "Version", facts.Version);
        AppendFact(text, "Date", facts.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        AppendFact(text, "License", facts.License);
        if (facts.AverageOf.Count > 0)
        {
            AppendFact(text, "Average of the weights of", string.Join(", ", facts.AverageOf));
        }
        else
        {
            AppendFact(text, "Finetuned from", facts.BaseModel ?? "nothing; trained from scratch");
        }

        AppendFact(text, "Distilled from", facts.Teacher);
        AppendFact(text, "Parameters", facts.Parameters.ToString("N0", CultureInfo.InvariantCulture));
        AppendFact(text, "Weights SHA-256", Code(facts.WeightsSha256));
        AppendFact(
            text,
            "Outputs",
            string.Join(", ", ExpressionNames.All.Select(expression => $"{(int)expression} = {expression}")));
        if (facts.Repository is not null || facts.GitCommit is not null)
        {
            text.Append("\n### Model Sources\n\n");
            AppendFact(text, "Repository", facts.Repository);
            AppendFact(text, "Commit", Code(facts.GitCommit));
        }

        text.Append('\n');
    }

    private static void AppendUses(StringBuilder text) => text.Append(
        """
        ## Uses

        ### Direct Use

        Gives each of seven expressions a probability for one frontal face, found and cropped by the FerActors pipeline: research
        on expressions, sorting of pictures, and tools whose users have agreed to be analysed.

        ### Downstream Use

        As a start for finer training on data that match the place of use. Evaluate anew, by group where groups are known, and fit
        the temperature anew.

        ### Out-of-Scope Use

        - **The workplace and education.** Article 5(1)(f) of the EU AI Act (Regulation 2024/1689) prohibits systems that infer
          emotions of natural persons there, except for medical or safety reasons. The prohibition has applied since 2 February 2025.
        - Decisions about a person: hiring, grading, credit, insurance, police, border, medical diagnosis, detection of lies.
        - Surveillance, and any use on people who do not know of it. Where the Act permits recognition of emotions it is
          high-risk (Annex III, 1(c)), and the people exposed have to be informed (Article 50(3)).
        - Children, animals, drawings, and faces far from frontal: the training data do not cover them.


        """);

    private static void AppendLimitations(StringBuilder text, ModelCardFacts facts)
    {
        text.Append(
            """
            ## Bias, Risks, and Limitations

            **An expression is not a felt emotion.** The model names what a face shows as strangers labelled it. People smile without
            joy and grieve without a sign, and cultures and persons differ; no output says what somebody feels, thinks or intends.

            - The labels are noisy. People agreed with them in about 65 % of the images when the data set was published, so some
              errors of the model are errors of the labels, and some of its right answers are too.
            - The classes are unbalanced: Disgust has about 1.5 % of the images. Its figures rest on few images; see the intervals.
            - The data carry no age, gender or skin type, so fairness across groups could not be measured here. Published studies
              found differences between groups in models trained on these data.
            - The images are 48x48 grey pictures from a web search, many of them posed. Video, low light, masks, glasses and extreme
              poses shift the inputs, and confidence is less reliable there than the calibration below says.

            """);
        foreach (var limitation in facts.FurtherLimitations)
        {
            text.Append("- ").Append(limitation).Append('\n');
        }

        text.Append(
            """

            ### Recommendations

            Use the probabilities, not only the top label, and let the system abstain below a confidence that was chosen on data of
            the place of use. Tell the people concerned. Watch the mix of labels and the confidence for drift. Keep a person responsible
            for everything that follows from an output.


            """);
    }

    private static void AppendStart(StringBuilder text) => text.Append(
        """
        ## How to Get Started with the Model

        The folder holds `config.json`, `preprocessor_config.json` and `model.safetensors`. Point FerActors at it, or load it with
        any library that reads a ViT image classifier in this layout. Map outputs by the names in `id2label`, never by position.


        """);

    private static void AppendTraining(StringBuilder text, ModelCardFacts facts)
    {
        text.Append("## Training Details\n\n### Training Data\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{facts.DatasetName}, {facts.TrainingImages:N0} images. {facts.DatasetNotes}\n\n");
        EvaluationMarkdown.AppendRow(text, [.. ExpressionNames.All.Select(expression => expression.ToString())]);
        text.Append('|').Append(string.Concat(Enumerable.Repeat("---:|", ExpressionNames.Count))).Append('\n');
        EvaluationMarkdown.AppendRow(
            text, [.. facts.TrainingHistogram.Select(count => count.ToString(CultureInfo.InvariantCulture))]);
        text.Append(CultureInfo.InvariantCulture, $"\nSHA-256 of pixels and labels: {Code(facts.TrainingDataSha256)}\n\n");

        text.Append("### Training Procedure\n\n#### Preprocessing\n\n").Append(facts.Preprocessing).Append("\n\n");
        text.Append("#### Training Hyperparameters\n\nThe command:\n\n");
        var fence = Fence(facts.Command);
        text.Append(fence).Append("bash\n").Append(facts.Command).Append('\n').Append(fence).Append("\n\n");
        AppendHyperparameters(text, facts);

        text.Append("\n#### Speeds, Sizes, Times\n\n");
        AppendFact(
            text,
            "Training time",
            facts.TrainingTime is { } time
                ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min {time.Seconds} s")
                : "not recorded");
        text.Append('\n');
    }

    private static void AppendHyperparameters(StringBuilder text, ModelCardFacts facts)
    {
        if (facts.Seed is not { } seed)
        {
            text.Append("Seeds and hyperparameters are those of the averaged models; they stand in their own cards.\n");
            return;
        }

        EvaluationMarkdown.AppendRow(text, "Hyperparameter", "Value");
        text.Append("|---|---|\n");
        EvaluationMarkdown.AppendRow(text, "seed", seed.ToString(CultureInfo.InvariantCulture));
        foreach (var (name, value) in facts.Hyperparameters)
        {
            EvaluationMarkdown.AppendRow(text, Cell(name), Cell(value));
        }
    }

    private static void AppendEvaluation(StringBuilder text, ModelCardFacts facts)
    {
        text.Append("## Evaluation\n\n### Testing Data, Factors & Metrics\n\n#### Testing Data\n\n");
        if (facts.Evaluations.Count == 0)
        {
            text.Append("This version was not evaluated. Do not use it before it was.\n\n");
            return;
        }

        foreach (var evaluation in facts.Evaluations)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"- {evaluation.Split}: {evaluation.Metrics.Count:N0} images, SHA-256 {Code(evaluation.DataSha256)}\n");
        }

        if (facts.Evaluations.All(evaluation => evaluation.Split != FerUsage.PrivateTest))
        {
            text.Append(
                "\nPrivateTest, the official test split, was not used. Figures of a split by which the model or its epoch was chosen"
                + " are somewhat too good, and not comparable with published PrivateTest figures.\n");
        }

        text.Append(
            """

            #### Factors

            The expression. Other factors (age, gender, skin type, pose, light) are not annotated in the data and are not reported.

            #### Metrics

            Accuracy with its 95 % Wilson interval. Macro-F1 and balanced accuracy, since the classes are unbalanced. Negative
            log-likelihood and the expected calibration error over 15 equal-width bins, since the probabilities are used.


            """);
        if (facts.Evaluations.Any(evaluation => evaluation.Votes is not null))
        {
            text.Append(
                """
                The votes are those of FER+ (Barsoum et al. 2016): ten people for each image. Votes for contempt, unknown and "not a face" are
                dropped, and images where they are more than half have no usable votes. The majority is the class with the most of the other
                votes; images on which classes share the first place are left out of it. "Most agree" counts the images on which more than
                half of the other votes are for one class. The cross-entropy is that of the votes' distribution.


                """);
        }

        text.Append("### Results\n\n");
        foreach (var evaluation in facts.Evaluations)
        {
            AppendResults(text, evaluation);
        }
    }

    private static void AppendResults(StringBuilder text, EvaluationReport evaluation)
    {
        text.Append(
            CultureInfo.InvariantCulture,
            $"#### {evaluation.Split} (views: {Line(evaluation.TestTimeAugmentation)})\n\n{EvaluationMarkdown.Summary(evaluation)}\n");
        text.Append("Proportions are in per cent.\n\n");
        text.Append(EvaluationMarkdown.PerClass(evaluation.Metrics)).Append('\n');
        text.Append(EvaluationMarkdown.ConfusionMatrix(evaluation.Metrics)).Append('\n');
        if (evaluation.Votes?.Majority is { } majority)
        {
            text.Append("Against the majority of the votes:\n\n");
            text.Append(EvaluationMarkdown.PerClass(majority)).Append('\n');
            text.Append(EvaluationMarkdown.ConfusionMatrix(majority)).Append('\n');
        }

        text.Append("Calibration:\n\n");
        if (evaluation.Calibration is { } fit)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"The temperature {fit.Temperature:F4} was fitted on {Fitted(evaluation)} ({fit.Count:N0} images).");
            text.Append(evaluation.CalibratedOnVotes
                ? " It makes a probability that of the majority of the voters naming the class, not that of the data's label."
                : "");
            text.Append((evaluation.CalibrationSplit == evaluation.Split, evaluation.CrossFit) switch
            {
                (true, { } folds) =>
                    $" That is the split reported here; for the calibrated figures each of {folds.Count} parts was judged with a temperature fitted on the others.\n\n",
                (true, null) => " That is the split reported here, so the calibrated figures are somewhat too good.\n\n",
                _ => "\n\n",
            });
        }
        else
        {
            text.Append("No temperature was fitted.\n\n");
        }

        text.Append(EvaluationMarkdown.Reliability(Calibrated(evaluation))).Append('\n');
    }

    // The table is about what the temperature was fitted on.
    private static ClassificationMetrics Calibrated(EvaluationReport evaluation) =>
        (evaluation.CalibratedOnVotes ? evaluation.CalibratedVotes?.Majority : null) ?? evaluation.Calibrated ?? evaluation.Metrics;

    private static string Fitted(EvaluationReport evaluation) => evaluation.CalibrationSplit?.ToString() ?? "a split that was not recorded";

    private static void AppendSpecifications(StringBuilder text, ModelCardFacts facts)
    {
        var channels = facts.InputChannels == 1 ? "one channel, the grey value" : "the grey value stands in all three channels";
        text.Append("## Technical Specifications\n\n### Model Architecture and Objective\n\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"{facts.Architecture}. Input {facts.InputSide}x{facts.InputSide}; {channels}.\n\n");
        text.Append("### Compute Infrastructure\n\n#### Hardware\n\n").Append(facts.Hardware).Append("\n\n");
        text.Append("#### Software\n\n").Append(facts.Software).Append("\n\n");
    }

    private static void AppendFact(StringBuilder text, string name, string? value)
    {
        if (value is not null)
        {
            text.Append("- **").Append(name).Append(":** ").Append(Line(value)).Append('\n');
        }
    }

    private static string? Code(string? value) => value is null ? null : Marker + Line(value) + Marker;

    private static string Line(string value) => value.ReplaceLineEndings(" ");

    // A bar would end the cell.
    private static string Cell(string value) => Line(value).Replace("|", "\\|", StringComparison.Ordinal);

    // A fence has to be longer than any run of back-ticks in what it holds.
    private static string Fence(string content)
    {
        var longest = 0;
        var run = 0;
        foreach (var character in content)
        {
            run = character == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return new string('`', Math.Max(3, longest + 1));
    }
}
