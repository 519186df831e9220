using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class HealthOptionsSpecs
{
    [Fact]
    public void The_defaults_are_valid_and_listen_on_loopback()
    {
        var options = new HealthOptions();

        Assert.Empty(options.Validate());
        Assert.Equal("127.0.0.1", options.Address);
    }

    [Fact]
    public void All_mistakes_are_listed_at_once()
    {
        var errors = new HealthOptions { Address = "localhost", Port = 70_000, AnswerTimeout = TimeSpan.Zero, StalledAfter = TimeSpan.Zero, DeadAfter = TimeSpan.FromDays(2) }.Validate();

        Assert.Equal(5, errors.Count);
        Assert.All(["Address", "Port", "AnswerTimeout", "StalledAfter", "DeadAfter"], name => Assert.Contains(errors, e => e.Contains($"Health:{name}", StringComparison.Ordinal)));
    }
}
