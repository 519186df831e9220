using System.Globalization;
using System.Text;
using FerActors.Testing.Processes;
using FerActors.Training.Evaluation;

namespace FerActors.Host.Tests.Commands;

/// <summary>The commands that need no broker, as a user starts them.</summary>
public sealed class CommandSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-commands-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Help_names_every_command()
    {
        var (code, output, _) = await FerProcess.RunAsync("--help");

        Assert.Equal(0, code);
        Assert.All(
            ["host", "classify", "train", "average", "evaluate", "cluster", "model", "stats", "config", "completion"],
            name => Assert.Contains($"  {name} ", output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unknown_option_is_named()
    {
        var (code, _, errors) = await FerProcess.RunAsync("host", "--fast");

        Assert.Equal(2, code);
        Assert.Equal("fer: --fast is no option of fer host. 'fer host --help' shows what it takes.", errors.Trim());
    }

    [Fact]
    public async Task All_mistakes_of_a_configuration_are_listed_at_once_without_the_password()
    {
        var (code, output, errors) = await FerProcess.RunAsync(
            "host",
            "--set", "RabbitMq:Uri=amqp://fer:s3cret@127.0.0.1:1",
            "--set", "RabbitMq:Prefetch=0",
            "--set", "Batching:MaxBatchSize=0",
            "--set", "Batching:MaxBatchSiez=4");

        Assert.Equal(2, code);
        Assert.StartsWith("fer: The configuration has mistakes:", errors, StringComparison.Ordinal);
        Assert.All(["Prefetch", "MaxBatchSize", "MaxBatchSiez"], name => Assert.Contains(name, errors, StringComparison.Ordinal));
        Assert.DoesNotContain("s3cret", output + errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--set", "Prefetch", "is not of the form Section:Name=value")]
    [InlineData("--config", "/no/such/file.json", "/no/such/file.json")]
    public async Task A_setting_or_a_file_that_cannot_be_read_is_named(string option, string value, string sentence)
    {
        var (code, _, errors) = await FerProcess.RunAsync("host", option, value);

        Assert.Equal(2, code);
        Assert.Contains(sentence, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_a_sentence()
    {
        var photo = Write("photo.png", Surroundings.Picture(".png"));

        var (code, _, errors) = await FerProcess.RunAsync("classify", photo, "--set", "RabbitMq:Uri=amqp://fer:s3cret@127.0.0.1:1");

        Assert.Equal(1, code);
        Assert.StartsWith("fer: ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_trained_evaluated_and_gives_the_figures_of_its_own_metrics()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(72)));
        var model = Path.Combine(_folder, "mine");
        string[] train = ["train", "--data", data, "--model", model, "--run", Path.Combine(_folder, "run"), .. Tiny];

        var (trained, said, trouble) = await FerProcess.RunAsync(train);
        var (evaluated, json, _) = await FerProcess.RunAsync("evaluate", "--data", data, "--model", model, "--json");
        var (shown, tables, _) = await FerProcess.RunAsync("evaluate", "--data", data, "--model", model, "--split", "Training", "--flip");

        Assert.True(trained == 0, trouble);
        Assert.Contains("PublicTest plain: accuracy", said, StringComparison.Ordinal);
        Assert.Equal((0, 0), (evaluated, shown));
        var written = MetricsJson.Deserialize(await File.ReadAllBytesAsync(Path.Combine(model, MetricsJson.FileName)));
        Assert.Equal(written.Metrics.Accuracy, MetricsJson.Deserialize(Encoding.UTF8.GetBytes(json)).Metrics.Accuracy);
        Assert.Contains("Macro-F1", tables, StringComparison.OrdinalIgnoreCase);
        Assert.All(["angry", "disgust", "neutral"], name => Assert.Contains(name, tables, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Votes_are_learnt_and_judged_by_and_misaligned_ones_are_refused_with_the_row()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(72)));
        var rows = Enumerable.Range(0, 72).Select(i => $"{(i % 3) switch { 0 => "Training", 1 => "PublicTest", _ => "PrivateTest" }},fer{i:0000000}.png,1,8,0,0,0,0,1,0,0,0").ToList();
        const string Header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF";
        var votes = Write("votes.csv", Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(Header))));
        var shifted = Write("shifted.csv", Encoding.UTF8.GetBytes(string.Join('\n', rows.Skip(1).Append(rows[0]).Prepend(Header))));
        var model = Path.Combine(_folder, "voted");
        string[] train = ["train", "--data", data, "--labels", "votes", "--model", model, "--run", Path.Combine(_folder, "run"), .. Tiny];

        var (unnamed, _, missing) = await FerProcess.RunAsync(train);
        var (misaligned, _, row) = await FerProcess.RunAsync([.. train, "--votes", shifted]);
        var (trained, said, trouble) = await FerProcess.RunAsync([.. train, "--votes", votes]);
        var (evaluated, json, _) = await FerProcess.RunAsync("evaluate", "--data", data, "--votes", votes, "--model", model, "--json");

        Assert.NotEqual(0, unnamed);
        Assert.Contains("labels is 'votes', but votes is missing", missing, StringComparison.Ordinal);
        Assert.NotEqual(0, misaligned);
        Assert.Contains("row 2: is of PublicTest, but the image in the same place of the data is of Training", row, StringComparison.Ordinal);
        Assert.True(trained == 0, trouble);
        Assert.Contains("agreement with the majority", said, StringComparison.Ordinal);
        Assert.Equal(0, evaluated);
        Assert.Equal(24, MetricsJson.Deserialize(Encoding.UTF8.GetBytes(json)).Votes!.MostAgree);
    }

    [Fact]
    public async Task Two_models_are_averaged_and_shown_with_mean_and_spread()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(72)));
        var (first, second, average) = (Path.Combine(_folder, "first"), Path.Combine(_folder, "second"), Path.Combine(_folder, "average"));
        var (trained, _, trouble) = await FerProcess.RunAsync(
            ["train", "--data", data, "--model", first, "--run", Path.Combine(_folder, "run"), .. Tiny, "--epochs", "1"]);
        Assert.True(trained == 0, trouble);
        Directory.CreateDirectory(second);
        foreach (var file in Directory.GetFiles(first))
        {
            File.Copy(file, Path.Combine(second, Path.GetFileName(file)));
        }

        var (alone, _, tooFew) = await FerProcess.RunAsync("average", "--data", data, "--of", first, "--model", average);
        var (code, table, errors) = await FerProcess.RunAsync("average", "--data", data, "--of", first, "--of", second, "--model", average);

        Assert.Equal(2, alone);
        Assert.Contains("needs two models at least", tooFew, StringComparison.Ordinal);
        Assert.True(code == 0, errors);
        Assert.Contains("| mean ± spread | ", table, StringComparison.Ordinal);
        var (expected, written) = (await MetricsOf(first), await MetricsOf(average));
        Assert.Equal(expected.Metrics.Accuracy, written.Metrics.Accuracy);

        static async Task<EvaluationReport> MetricsOf(string model) =>
            MetricsJson.Deserialize(await File.ReadAllBytesAsync(Path.Combine(model, MetricsJson.FileName)));
    }

    [Fact]
    public async Task A_training_that_is_interrupted_says_so_and_the_same_command_finishes_it()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(72)));
        var model = Path.Combine(_folder, "mine");
        string[] train = ["train", "--data", data, "--model", model, "--run", Path.Combine(_folder, "run"), .. Tiny, "--epochs"];

        // A shell that starts the tests in the background has its children ignore SIGINT.
        await using (var process = FerProcess.StartBehind(["env", "--default-signal=INT"], [.. train, "10000"]))
        {
            await process.SaidAsync("epoch 2: loss");
            process.Signal("INT");

            Assert.Equal(130, await process.ExitAsync());
            Assert.Contains("Cancelled.", process.Errors, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(Path.Combine(_folder, "run", "checkpoint.safetensors")));
        var (code, _, errors) = await FerProcess.RunAsync([.. train, "3"]);
        Assert.Equal(1, code);
        Assert.Contains("The folder holds a run with other options", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"epochs\": 0 }", "epochs is 0")]
    [InlineData("{ \"epoch\": 3 }", "epoch")]
    [InlineData("{ \"epochs\": ", "fer: ")]
    public async Task Training_options_with_mistakes_are_refused_in_a_sentence(string json, string sentence)
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(72)));
        var options = Write("options.json", Encoding.UTF8.GetBytes(json));

        var (code, _, errors) = await FerProcess.RunAsync(
            "train", "--data", data, "--model", Path.Combine(_folder, "m"), "--run", Path.Combine(_folder, "r"), "--options", options);

        Assert.Equal(2, code);
        Assert.Contains(sentence, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_with_faults_is_refused_by_row()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(6) + "9,1 2 3,Training\n"));

        var (code, _, errors) = await FerProcess.RunAsync("evaluate", "--data", data, "--model", Surroundings.ShippedModel);

        Assert.Equal(1, code);
        Assert.Contains("8", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_split_without_images_and_a_folder_without_a_model_are_refused()
    {
        var data = Write("fer.csv", Encoding.UTF8.GetBytes(Csv(2)));

        var (split, _, noImages) = await FerProcess.RunAsync(
            "evaluate", "--data", data, "--model", Surroundings.ShippedModel, "--split", "PrivateTest");
        var (folder, _, noModel) = await FerProcess.RunAsync("evaluate", "--data", data, "--model", _folder);

        Assert.Equal((1, 1), (split, folder));
        Assert.Contains("The data has no PrivateTest images; there are those of", noImages, StringComparison.Ordinal);
        Assert.Contains("has no model.safetensors", noModel, StringComparison.Ordinal);
    }

    private static string[] Tiny { get; } = ["--preset", "tiny", "--batch-size", "8", "--compute", "fp32", "--threads", "1"];

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    // Noise; the labels and the splits go round.
    private static string Csv(int rows)
    {
        var random = new Random(3);
        var text = new StringBuilder("emotion,pixels,Usage\n");
        for (var i = 0; i < rows; i++)
        {
            var pixels = string.Join(' ', Enumerable.Range(0, 48 * 48).Select(_ => random.Next(256)));
            var usage = (i % 3) switch { 0 => "Training", 1 => "PublicTest", _ => "PrivateTest" };
            text.Append(CultureInfo.InvariantCulture, $"{i % 7},{pixels},{usage}\n");
        }

        return text.ToString();
    }
}
