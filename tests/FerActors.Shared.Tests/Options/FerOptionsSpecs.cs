using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class FerOptionsSpecs
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(new FerOptions().Validate());

    [Fact]
    public void Every_mistake_is_named_at_once()
    {
        var errors = new FerOptions
        {
            Batching = new BatchingOptions { MaxBatchSize = 0, QueueTimeout = TimeSpan.Zero, PreferredBatchSizes = [99] },
            Model = new ModelOptions { Path = "", Engine = "tensorrt", TestTimeAugmentation = "crops", Devices = "tpu", InstancesPerDevice = 0, Precision = "fp8", Threads = -1, ParityTolerance = 0 },
            Pipeline = new PipelineOptions { AlignmentWorkers = -1, MaxQueueSize = 0 },
            Detection = new DetectionOptions { ScoreThreshold = 2 },
        }.Validate();

        Assert.All(
            ["MaxBatchSize", "QueueTimeout", "PreferredBatchSizes", "Model:Path", "Engine", "TestTimeAugmentation", "Devices", "InstancesPerDevice", "Precision", "Threads", "ParityTolerance", "AlignmentWorkers",
                "Pipeline:MaxQueueSize", "ScoreThreshold"],
            name => Assert.Contains(errors, e => e.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_body_limit_of_the_transport_below_that_of_the_images_is_a_mistake()
    {
        var options = new FerOptions { RabbitMq = new RabbitMqOptions { MaxBodyBytes = 1024 } };

        Assert.Contains(options.Validate(), e => e.Contains("MaxBodyBytes", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 2, 2)]
    [InlineData(0, 1, 1)]
    [InlineData(0, 16, 16)]
    [InlineData(0, 0, 1)]
    [InlineData(3, 2, 3)]
    public void Without_a_number_there_is_a_worker_for_each_core(int configured, int cores, int expected) =>
        Assert.Equal(expected, new PipelineOptions { AlignmentWorkers = configured }.EffectiveWorkers(cores));
}
