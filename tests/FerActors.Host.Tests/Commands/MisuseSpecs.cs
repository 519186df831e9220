using FerActors.Host.Commands;
using FerActors.Host.Operator;
using FerActors.Host.Tests.Operator;

namespace FerActors.Host.Tests.Commands;

/// <summary>Command lines that cannot be carried out: one sentence, the nearest word, exit code 2, and nothing is begun.</summary>
public sealed class MisuseSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-misuse-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("classify a.jpg --jsn", "--jsn is no option of fer classify. Is --json meant?")]
    [InlineData("classify --jsn a.jpg", "--jsn is no option of fer classify. Is --json meant?")]
    [InlineData("classify a.jpg --jsn=true", "--jsn is no option of fer classify. Is --json meant?")]
    [InlineData("classify a.jpg --out --jsn", "--jsn is no option of fer classify. Is --json meant?")]
    [InlineData("classify a.jpg -j", "-j is no option of fer classify.")]
    [InlineData("classify a.jpg --version", "--version is no option of fer classify.")]
    [InlineData("api-key me --fiel keys", "--fiel is no option of fer api-key. Is --file meant?")]
    [InlineData("data check x.csv --jsno", "--jsno is no option of fer data check. Is --json meant?")]
    [InlineData("hub fetch org/name --cpoy x", "--cpoy is no option of fer hub fetch. Is --copy meant?")]
    [InlineData("retention forget order-17 --st x", "--st is no option of fer retention forget. Is --set meant?")]
    [InlineData("host --fast", "--fast is no option of fer host. 'fer host --help' shows what it takes.")]
    [InlineData("model promote v1 --froce", "--froce is no option of fer model promote. Is --force meant?")]
    [InlineData("model rollback --reason --bad", "--bad is no option of fer model rollback.")]
    [InlineData("train --epoch 3", "--epoch is no option of fer train. Is --epochs meant?")]
    [InlineData("clasify a.jpg", "'clasify' is no command of fer. Is classify meant?")]
    [InlineData("model promotes v1", "'promotes' is no command of fer model. Is promote meant?")]
    [InlineData("train submti", "'submti' is no command of fer train. Is submit meant?")]
    [InlineData("", "A command is missing; 'fer --help' lists them.")]
    [InlineData("cluster", "'cluster' needs a command; 'fer cluster --help' lists them.")]
    [InlineData("cluster down", "'cluster down' needs ADDRESS: akka.tcp://FerActors@HOST:PORT or HOST:PORT.")]
    [InlineData("model rollback", "'model rollback' needs --reason: Why; the journal keeps it.")]
    [InlineData("classify", "'classify' needs PHOTOS: Image files")]
    [InlineData("stats --timeout soon", "--timeout is 'soon'; it must be a number.")]
    [InlineData("evaluate --data x --model y --split Public", "--split is 'Public'; it must be one of Training, PublicTest, PrivateTest.")]
    [InlineData("health --url", "--url needs a value: ")]
    [InlineData("health --url a --url b", "--url is given more than once.")]
    [InlineData("cluster show me", "'cluster show' has no use for 'me'; 'fer cluster show --help' shows what it takes.")]
    public async Task Each_mistake_is_one_sentence_with_the_nearest_word(string line, string sentence)
    {
        var (code, output, errors) = await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal((OperatorExitCodes.BadUsage, ""), (code, output));
        Assert.StartsWith("fer: " + sentence, errors, StringComparison.Ordinal);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("api-key a/b")]
    [InlineData("drift simulate --data x --model y --change nothing")]
    [InlineData("health --url nowhere")]
    [InlineData("host --set RabitMq:Uri=x")]
    [InlineData("host --set Uri")]
    [InlineData("host --config /no/such/file.json")]
    [InlineData("train --data x --model y --set epochs=0")]
    [InlineData("train --data x --model y --config /no/such/file.yaml")]
    [InlineData("sweep --data x --out y --space /no/such/file.yaml")]
    [InlineData("average --data x --of a --model y")]
    public async Task A_value_that_no_run_could_use_is_misuse_too(string line)
    {
        var (code, _, errors) = await RunAsync(line.Split(' '));

        Assert.Equal(OperatorExitCodes.BadUsage, code);
        Assert.StartsWith("fer: ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Behind_two_hyphens_a_word_is_a_name()
    {
        var (code, _, errors) = await RunAsync("data", "check", "--", Path.Combine(_folder, "--jsn"));
        var (alone, _, named) = await RunAsync("data", "check", "--", "--jsn");

        Assert.Equal((1, 1), (code, alone));
        Assert.Contains("--jsn", errors + named, StringComparison.Ordinal);
        Assert.DoesNotContain("no option", errors + named, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_that_begins_with_a_hyphen_goes_behind_an_equals_sign()
    {
        var (code, _, errors) = await RunAsync("model", "rollback", "--reason=--bad", "--endpoint", $"unix:{_folder}/none.sock");

        Assert.Equal(OperatorExitCodes.NoAnswer, code);
        Assert.Contains("No node answers", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(arguments, (output, errors)).WaitAsync(OperatorNode.Patience);
        return (code, output.ToString(), errors.ToString());
    }
}
