using FerActors.Host.Broker;

namespace FerActors.Host.Tests.Broker;

/// <summary>How often a node says that its broker is away.</summary>
public sealed class BrokerAbsenceSpecs
{
    private const string Broker = "amqp://broker:5672/";

    private readonly SetClock _clock = new();

    [Fact]
    public void The_first_of_several_connections_says_it_and_the_next_lines_come_at_growing_intervals()
    {
        var absence = new BrokerAbsence(_clock);

        Assert.True(absence.IsNews(Broker));
        Assert.False(absence.IsNews(Broker));
        Assert.Equal([10, 30, 70, 150, 310], SecondsWithNews(absence, 400));
    }

    [Fact]
    public void The_lines_of_a_long_absence_are_an_hour_apart_at_most()
    {
        var absence = new BrokerAbsence(_clock);
        absence.IsNews(Broker);

        var news = SecondsWithNews(absence, 24 * 3600);

        Assert.InRange(news[^1] - news[^2], 3599, 3601);
    }

    [Fact]
    public void An_absence_after_a_connection_and_that_of_another_broker_are_news()
    {
        var absence = new BrokerAbsence(_clock);
        absence.IsNews(Broker);

        Assert.True(absence.IsNews("amqp://other/"));
        absence.Ended(Broker);
        Assert.True(absence.IsNews(Broker));
    }

    private List<int> SecondsWithNews(BrokerAbsence absence, int seconds)
    {
        var news = new List<int>();
        for (var second = 1; second <= seconds; second++)
        {
            _clock.Now += TimeSpan.FromSeconds(1);
            if (absence.IsNews(Broker))
            {
                news.Add(second);
            }
        }

        return news;
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
