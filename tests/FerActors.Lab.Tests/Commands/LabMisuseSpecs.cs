using FerActors.Host.Operator;
using FerActors.Lab.Commands;

namespace FerActors.Lab.Tests.Commands;

/// <summary>Command lines of <c>fer-lab</c> that cannot be carried out: one sentence, exit code 2, and nothing is begun.</summary>
public sealed class LabMisuseSpecs
{
    [Theory]
    [InlineData("soak a.jpg --cuont 5", "--cuont is no option of fer-lab soak. Is --count meant?")]
    [InlineData("api-load a.jpg --user 5", "--user is no option of fer-lab api-load. Is --users meant?")]
    [InlineData("fuzz json --cout 5", "--cout is no option of fer-lab fuzz. Is --count meant?")]
    [InlineData("fuzz jsn", "'jsn' is none of ")]
    [InlineData("bench --rounds 2.5", "--rounds is '2.5'; it must be a whole number.")]
    public async Task Each_mistake_is_one_sentence_with_the_nearest_word(string line, string sentence)
    {
        var (code, output, errors) = await RunAsync(line);

        Assert.Equal((OperatorExitCodes.BadUsage, ""), (code, output));
        Assert.StartsWith("fer-lab: " + sentence, errors, StringComparison.Ordinal);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("bench --rounds 0")]
    [InlineData("api-load a.jpg --url nowhere")]
    [InlineData("api-load a.jpg --mix nothing")]
    public async Task A_value_that_no_run_could_use_is_misuse_too(string line)
    {
        var (code, _, errors) = await RunAsync(line);

        Assert.Equal(OperatorExitCodes.BadUsage, code);
        Assert.StartsWith("fer-lab: ", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string line)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await LabCommandLine.RunAsync(line.Split(' '), (output, errors), CancellationToken.None);
        return (code, output.ToString(), errors.ToString());
    }
}
