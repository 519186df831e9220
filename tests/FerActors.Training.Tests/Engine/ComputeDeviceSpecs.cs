using FerActors.Training.Configuration;
using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

/// <summary>Which device is chosen of those that there are. No CUDA is needed: the devices are a list.</summary>
public sealed class ComputeDeviceSpecs
{
    private static readonly string[] Processor = ["cpu"];
    private static readonly string[] TwoCards = ["cpu", "cuda:0", "cuda:1"];

    [Theory]
    [InlineData("auto", "cuda:0")]
    [InlineData("cuda", "cuda:0")]
    [InlineData("cuda:1", "cuda:1")]
    [InlineData("cpu", "cpu")]
    public void A_device_that_is_there_is_taken(string asked, string taken) =>
        Assert.Equal(taken, ComputeDevice.Choose(asked, TwoCards).Name);

    [Fact]
    public void Without_a_card_auto_is_the_processor() => Assert.Equal("cpu", ComputeDevice.Choose("auto", Processor).Name);

    [Fact]
    public void Of_cards_that_do_not_begin_at_0_auto_takes_the_first() =>
        Assert.Equal("cuda:2", ComputeDevice.Choose("auto", ["cpu", "cuda:2", "cuda:3"]).Name);

    [Theory]
    [InlineData("cuda", "there is cpu.")]
    [InlineData("cuda:0", "there is cpu.")]
    public void A_device_that_is_not_there_is_refused_with_a_list_of_what_is(string asked, string list)
    {
        var refusal = Assert.Throws<FormatException>(() => ComputeDevice.Choose(asked, Processor));

        Assert.Equal($"device is '{asked}', which is not there; {list}", refusal.Message);
        Assert.Contains(
            "there is cpu, cuda:0, cuda:1.",
            Assert.Throws<FormatException>(() => ComputeDevice.Choose("cuda:2", TwoCards)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:01")]
    [InlineData("CUDA")]
    [InlineData("")]
    [InlineData(null)]
    public void A_word_that_names_no_device_is_a_mistake_of_the_configuration(string? asked)
    {
        Assert.Equal($"device is '{asked}'; it must be auto, cpu, cuda or cuda:N.", ComputeDevice.Mistake(asked));
        Assert.Throws<FormatException>(() => ComputeDevice.Choose(asked!, TwoCards));
    }

    [Fact]
    public void The_processor_is_among_the_devices_of_this_machine() => Assert.Equal("cpu", ComputeDevice.Present()[0]);

    [Fact]
    public void The_configuration_takes_a_device_and_tells_a_wrong_one_with_the_other_mistakes()
    {
        var read = RunConfiguration.Load(null, ["data=d", "model=m", "device=cuda:3"]);
        var refusal = Assert.Throws<TrainingConfigurationException>(() => RunConfiguration.Load(null, ["data=d", "model=m", "device=gpu", "threads=-1"]));

        Assert.Equal("cuda:3", read.Settings.Device);
        Assert.Equal("auto", RunConfiguration.Load(null, ["data=d", "model=m"]).Settings.Device);
        Assert.Equal(2, refusal.Errors.Count);
        Assert.Contains("device is 'gpu'; it must be auto, cpu, cuda or cuda:N.", refusal.Errors);
    }
}
