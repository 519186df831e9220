using FerActors.Training.Engine;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class ComputeChoiceSpecs : IDisposable
{
    private readonly FlatParameters _parameters;
    private readonly Clock _clock = new();
    private readonly List<(int Images, ScalarType Type)> _asked = [];

    public ComputeChoiceSpecs()
    {
        using var model = TinyRun.Model();
        _parameters = new FlatParameters(model);
    }

    public void Dispose() => _parameters.Dispose();

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Where_half_precision_is_faster_and_right_it_is_taken(double slowness)
    {
        var choice = Choose(ComputeChoice.Auto, slowness);

        Assert.Equal((ComputeChoice.Bf16, null), (choice.Name, choice.Warning));
    }

    [Fact]
    public void Where_half_precision_is_slower_the_run_computes_in_full_and_few_images_pay_for_knowing_it()
    {
        var choice = Choose(ComputeChoice.Auto, slowness: 30);

        Assert.Equal((ComputeChoice.Fp32, null), (choice.Name, choice.Warning));
        Assert.All(_asked, ask => Assert.InRange(ask.Images, 1, 4));
    }

    [Fact]
    public void Who_insists_on_half_precision_gets_it_and_is_told_what_it_costs()
    {
        var choice = Choose(ComputeChoice.Bf16, slowness: 30);

        Assert.Equal(ComputeChoice.Bf16, choice.Name);
        Assert.StartsWith("bf16 takes 30.0 times the time of fp32", choice.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_gradients_are_passed_over_with_a_warning()
    {
        var choice = Choose(ComputeChoice.Auto, slowness: 0.5, error: 1);

        Assert.Equal(ComputeChoice.Fp32, choice.Name);
        Assert.Contains("computes other gradients", choice.Warning, StringComparison.Ordinal);
        Assert.EndsWith("The run computes in fp32.", choice.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_insists_on_half_precision_is_refused_where_its_gradients_are_wrong() => Assert.EndsWith(
        "Set compute to fp32.",
        Assert.Throws<InvalidOperationException>(() => Choose(ComputeChoice.Bf16, slowness: 0.5, error: 1)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Never_are_more_images_asked_for_than_a_batch_has()
    {
        Choose(ComputeChoice.Bf16, slowness: 0.5, batchSize: 3);

        Assert.All(_asked, ask => Assert.InRange(ask.Images, 1, 3));
    }

    private ComputeChoice Choose(string asked, double slowness, double error = 0, int batchSize = 128) => ComputeChoice.Make(
        asked,
        _parameters,
        batchSize,
        (images, type) =>
        {
            _asked.Add((images, type));
            _clock.Seconds += images * (type == ScalarType.BFloat16 ? slowness : 1);
            using var generator = new Generator(1);
            using var exact = randn(_parameters.Count, generator: generator);
            return exact.mul(type == ScalarType.BFloat16 ? 1 + error : 1);
        },
        _clock);

    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long GetTimestamp() => (long)(Seconds * TimestampFrequency);
    }
}
