using FerActors.Host.Health;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Intake;
using FerActors.Shared.Options;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Tests.Health;

public sealed class ProgressVerdictSpecs
{
    private static readonly HealthOptions Options = new();
    private static readonly TimeSpan Long = Options.StalledAfter + TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TooLong = Options.DeadAfter + TimeSpan.FromSeconds(1);

    private static TransportStatistics Working { get; } =
        new(true, true, false, IntakeMode.Full, new IntakeCounters(), 5, 0, 76, 2, 3, new TransportProgress());

    [Fact]
    public void A_transport_that_moves_is_ready_and_lives()
    {
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Ready(Working, Options).Status);
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Lives(Working, Options).Status);
    }

    [Fact]
    public void A_publisher_that_is_connected_and_gets_no_confirm_is_not_ready_and_later_not_live()
    {
        var stalled = Working with { Progress = new TransportProgress(PublisherStandstill: Long) };
        Assert.Equal(HealthStatus.Unhealthy, ProgressVerdicts.Ready(stalled, Options).Status);
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Lives(stalled, Options).Status);

        var dead = Working with { Progress = new TransportProgress(PublisherStandstill: TooLong) };
        Assert.Equal(HealthStatus.Unhealthy, ProgressVerdicts.Lives(dead, Options).Status);
    }

    [Fact]
    public void A_queue_that_is_full_makes_the_node_unready_with_the_cause_and_never_dead()
    {
        var refused = Working with { Progress = new TransportProgress(ConsumerStandstill: TooLong, PublisherStandstill: TooLong, PublisherRefused: true) };

        Assert.Contains("a queue of results is full", ProgressVerdicts.Ready(refused, Options).Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Lives(refused, Options).Status);
    }

    [Theory]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void A_broker_that_is_away_or_has_an_alarm_makes_no_node_dead(bool consumer, bool publisher, bool blocked)
    {
        var hindered = Working with
        {
            ConsumerConnected = consumer,
            PublisherConnected = publisher,
            PublisherBlocked = blocked,
            Progress = new TransportProgress(TooLong, TooLong, TooLong),
        };

        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Lives(hindered, Options).Status);
    }

    [Fact]
    public void A_consumer_that_answers_nothing_names_the_age_of_the_oldest_image()
    {
        var stalled = Working with { Progress = new TransportProgress(TimeSpan.FromSeconds(90), ConsumerStandstill: Long) };

        Assert.Contains("the oldest waits for 90 s", ProgressVerdicts.Ready(stalled, Options).Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Unhealthy, ProgressVerdicts.Lives(Working with { Progress = new TransportProgress(ConsumerStandstill: TooLong) }, Options).Status);
    }

    [Fact]
    public void A_pipeline_that_gave_no_answer_to_three_images_in_a_row_is_dead()
    {
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Lives(Working with { Progress = new TransportProgress(GivenUpInARow: 2) }, Options).Status);
        Assert.Equal(HealthStatus.Unhealthy, ProgressVerdicts.Lives(Working with { Progress = new TransportProgress(GivenUpInARow: 3) }, Options).Status);
    }

    [Fact]
    public void A_part_without_work_moves()
    {
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Moves("x", null, TimeSpan.FromSeconds(1)).Status);
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Moves("x", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)).Status);
        Assert.Equal(HealthStatus.Unhealthy, ProgressVerdicts.Moves("x", TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1)).Status);
    }

    [Fact]
    public void A_gateway_is_unready_over_a_missing_right_and_not_over_a_broker_that_is_away()
    {
        var refused = ProgressVerdicts.Gateway(new GatewayStatus(false, false, 0, "ACCESS_REFUSED"));
        Assert.Equal((HealthStatus.Unhealthy, "cannot use the broker: ACCESS_REFUSED"), (refused.Status, refused.Description));
        Assert.Equal(HealthStatus.Degraded, ProgressVerdicts.Gateway(new GatewayStatus(false, false, 0)).Status);
        Assert.Equal(HealthStatus.Healthy, ProgressVerdicts.Gateway(new GatewayStatus(true, false, 3)).Status);
    }
}
