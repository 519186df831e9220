using FerActors.Inference.Engines;

namespace FerActors.Inference.Tests.Engines;

public sealed class EngineTrialSpecs
{
    private const string Torch = "libtorch bf16";
    private const string Onnx = "onnxruntime fp32";

    private readonly TurnedClock _clock = new();

    [Fact]
    public void Each_class_of_batch_sizes_gets_the_engine_that_is_faster_there()
    {
        var torch = new FakeEngine(Torch, _clock, size => 3 + (0.5 * size));
        var onnx = new FakeEngine(Onnx, _clock, size => 1.1 * size);

        var (chosen, report) = Try(torch, onnx, largest: 20);

        Assert.Equal([onnx, onnx, torch, torch, torch], chosen);
        Assert.Equal(["1 onnxruntime fp32", "2-4 onnxruntime fp32", "5-8 libtorch bf16", "9-16 libtorch bf16", "17-20 libtorch bf16"], report.Classes.Select(c => $"{c.Sizes} {c.Engine}"));
        Assert.Equal(
            "Forward passes are computed by onnxruntime fp32 for 1-4 faces (4.4 ms for 4; libtorch bf16 5.0), libtorch bf16 for 5-20 faces (13.0 ms for 20; onnxruntime fp32 22.0).",
            report.Sentence);
        Assert.Empty(report.Warnings);
        Assert.False(torch.Disposed || onnx.Disposed);
    }

    [Fact]
    public void An_engine_that_takes_no_class_is_disposed()
    {
        var torch = new FakeEngine(Torch, _clock, size => size);
        var onnx = new FakeEngine(Onnx, _clock, size => 2 * size);

        var (chosen, report) = Try(torch, onnx, largest: 8);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.True(onnx.Disposed);
        Assert.StartsWith("Forward passes are computed by libtorch bf16 for 1-8 faces (8.0 ms for 8;", report.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_engine_that_is_there_in_any_case_stays_where_the_other_takes_every_class()
    {
        var torch = new FakeEngine(Torch, _clock, size => 2 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => size);

        var (chosen, _) = Try(torch, onnx, largest: 8);

        Assert.All(chosen, engine => Assert.Same(onnx, engine));
        Assert.False(torch.Disposed);
    }

    [Fact]
    public void The_slow_first_pass_of_an_engine_does_not_count()
    {
        var passes = 0;
        var torch = new FakeEngine(Torch, _clock, size => 2 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => passes++ == 0 ? 300 : size);

        var (chosen, _) = Try(torch, onnx, largest: 1);

        Assert.Same(onnx, Assert.Single(chosen));
    }

    [Fact]
    public void A_neighbour_who_slows_some_passes_of_an_engine_does_not_change_the_choice()
    {
        var passes = 0;
        var torch = new FakeEngine(Torch, _clock, size => 2 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => passes++ % 2 == 0 ? 30 : size);

        var (chosen, _) = Try(torch, onnx, largest: 1);

        Assert.Same(onnx, Assert.Single(chosen));
    }

    [Fact]
    public void An_engine_that_cannot_be_loaded_is_left_out_and_the_warning_says_why()
    {
        var torch = new FakeEngine(Torch, _clock, size => size);

        var (chosen, report) = new EngineTrial(_clock, 3).Run(
            torch, [new EngineCandidate(Onnx, () => throw new DllNotFoundException("No libonnxruntime.so."))], _ => 0, 0.05, 4);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.Equal(["onnxruntime fp32 is left out: No libonnxruntime.so."], report.Warnings);
    }

    [Fact]
    public void An_engine_that_does_not_agree_is_left_out_however_fast_it_is()
    {
        var torch = new FakeEngine(Torch, _clock, size => 9 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => size);

        var (chosen, report) = new EngineTrial(_clock, 3).Run(torch, [new EngineCandidate(Onnx, () => onnx)], _ => 0.0501, 0.05, 4);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.Empty(onnx.Batches);
        Assert.True(onnx.Disposed);
        Assert.Equal(["onnxruntime fp32 is left out: its probabilities differ from libtorch's in fp32 by up to 0.050, more than 0.050."], report.Warnings);
    }

    [Fact]
    public void An_engine_whose_probabilities_are_not_even_numbers_is_left_out()
    {
        var torch = new FakeEngine(Torch, _clock, size => 9 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => size);

        var (chosen, report) = new EngineTrial(_clock, 3).Run(torch, [new EngineCandidate(Onnx, () => onnx)], _ => double.NaN, 0.05, 4);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.Single(report.Warnings);
    }

    [Fact]
    public void An_engine_that_fails_with_a_large_batch_takes_no_small_one_either()
    {
        var torch = new FakeEngine(Torch, _clock, size => 9 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => size > 4 ? throw new InvalidOperationException("Out of memory.") : size);

        var (chosen, report) = Try(torch, onnx, largest: 16);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.True(onnx.Disposed);
        Assert.Equal(["onnxruntime fp32 is left out: it failed with a batch of 8. Out of memory."], report.Warnings);
    }

    [Fact]
    public void Where_the_engine_that_is_there_in_any_case_fails_the_load_fails_and_the_others_are_disposed()
    {
        var torch = new FakeEngine(Torch, _clock, size => size > 4 ? throw new InvalidOperationException("Out of memory.") : size);
        var onnx = new FakeEngine(Onnx, _clock, size => size);

        Assert.Throws<InvalidOperationException>(() => Try(torch, onnx, largest: 16));

        Assert.True(onnx.Disposed);
    }

    [Fact]
    public void A_hopeless_engine_is_not_measured_with_larger_batches()
    {
        var torch = new FakeEngine(Torch, _clock, size => size);
        var onnx = new FakeEngine(Onnx, _clock, size => 6 * size);

        var (chosen, _) = Try(torch, onnx, largest: 32);

        Assert.All(chosen, engine => Assert.Same(torch, engine));
        Assert.Equal([1], onnx.Batches.Distinct());
    }

    [Fact]
    public void A_large_model_has_few_turns_so_that_a_start_is_not_held_up()
    {
        var torch = new FakeEngine(Torch, _clock, size => 1000 * size);
        var onnx = new FakeEngine(Onnx, _clock, size => 2000 * size);

        Try(torch, onnx, largest: 4);

        Assert.Equal([1, 1, 4, 4], torch.Batches);
    }

    private (IReadOnlyList<IForwardEngine> Chosen, EngineReport Report) Try(FakeEngine home, FakeEngine other, int largest) =>
        new EngineTrial(_clock, 3).Run(home, [new EngineCandidate(other.Name, () => other)], _ => 0, 0.05, largest);
}
