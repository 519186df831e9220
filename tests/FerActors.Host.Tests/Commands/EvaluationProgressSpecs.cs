using FerActors.Host.Commands.Training;

namespace FerActors.Host.Tests.Commands;

public class EvaluationProgressSpecs
{
    [Fact]
    public void The_work_is_announced_and_then_told_every_three_seconds()
    {
        var clock = new Clock();
        using var text = new StringWriter();

        var done = new EvaluationProgress(text, clock).Of(1000);
        Assert.Equal("Evaluating: 1,000 looks at images", text.ToString().Trim());

        clock.Seconds = 2;
        done(100);
        clock.Seconds = 4;
        done(200);
        clock.Seconds = 5;
        done(300);
        clock.Seconds = 20;
        done(1000);

        Assert.Equal(
            ["Evaluating: 1,000 looks at images", "Evaluated 200 of 1,000, about 16 s left"],
            text.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
