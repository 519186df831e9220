using System.Globalization;
using FerActors.Lab.Fuzzing;
using FerActors.Testing.Processes;

namespace FerActors.Lab.Tests.Fuzzing;

/// <summary>A little of <c>./run fuzz</c> with every run of the tests, and that it would notice.</summary>
public sealed class FuzzSpecs
{
    private const int Few = 300;

    // The image target runs in the process of the next one: OpenCV would be loaded here before its limit.
    public static TheoryData<string> InProcess => [.. FuzzTargets.Names.Where(name => name != "image")];

    [Theory]
    [MemberData(nameof(InProcess))]
    public void Damaged_inputs_are_read_or_refused_with_the_documented_error(string name)
    {
        var target = FuzzTargets.Create(name);
        Assert.All(target.Seeds, seed => Assert.Equal("a", FuzzWorker.Try(target, seed)));

        var outcomes = Enumerable.Range(0, Few).Select(number => FuzzWorker.Try(target, InputMutator.Input(target.Seeds, seed: 11, number))).ToList();

        Assert.All(outcomes, outcome => Assert.Contains(outcome, new[] { "a", "r" }));
        Assert.Contains("r", outcomes);
    }

    [Fact]
    public async Task Damaged_images_in_a_process_of_their_own_are_counted_in_a_table()
    {
        var folder = Path.Combine(Path.GetTempPath(), "fer-fuzz-" + Guid.NewGuid().ToString("N")[..8]);

        var (code, output, errors) = await FerProcess.RunLabAsync(
            "fuzz", "image", "--count", Few.ToString(CultureInfo.InvariantCulture), "--seed", "11", "--keep", folder);

        Assert.True(code == 0, output + errors);
        var cells = output.Split('\n').Single(line => line.StartsWith("| image |", StringComparison.Ordinal)).Split('|', StringSplitOptions.TrimEntries);
        Assert.Equal("300", cells[3]);
        Assert.Equal(300, int.Parse(cells[4], CultureInfo.InvariantCulture) + int.Parse(cells[5].Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.Equal(["0", "0", "0"], cells[6..9]);
        Assert.False(Directory.Exists(folder), "Nothing was to be kept.");
    }

    [Fact]
    public void An_exception_that_is_not_documented_is_named()
    {
        var target = new FuzzTarget("t", "", "", [[1]], _ => throw new InvalidOperationException("Two\nlines."), e => e is FormatException);

        Assert.StartsWith("x InvalidOperationException: Two lines.", FuzzWorker.Try(target, [1]), StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_that_takes_too_much_memory_is_named()
    {
        var target = new FuzzTarget("t", "", "", [[1]], _ => new byte[600 * 1024 * 1024].Length > 0, _ => false);

        Assert.StartsWith("x Memory:", FuzzWorker.Try(target, [1]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_number_gives_the_same_input_and_the_next_one_another()
    {
        byte[][] seeds = [[.. "some text that is long enough"u8]];

        var inputs = Enumerable.Range(0, 200).Select(n => Convert.ToHexString(InputMutator.Input(seeds, 1, n))).ToList();

        Assert.Equal(inputs, Enumerable.Range(0, 200).Select(n => Convert.ToHexString(InputMutator.Input(seeds, 1, n))));
        Assert.True(inputs.Distinct().Count() > 190, "Hardly any input comes twice.");
        Assert.NotEqual(inputs[0], Convert.ToHexString(InputMutator.Input(seeds, 2, 0)));
    }
}
