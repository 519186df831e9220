using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class RedactionSpecs
{
    private const string Secret = "s3cret";

    [Theory]
    [InlineData("http://localhost:5341", "http://localhost:5341")]
    [InlineData("a sentence", "a sentence")]
    [InlineData("", "")]
    [InlineData("http://user:s3cret@seq:5341/path", "http://***@seq:5341/path")]
    [InlineData("https://s3cret@seq", "https://***@seq")]
    [InlineData("http://user:s3cret@ss/word@seq", "(not shown)")]
    [InlineData("user:s3cret@seq:5341", "(not shown)")]
    [InlineData("htp//user:s3cret@seq", "(not shown)")]
    [InlineData("http://collector:4317/v1?api-key=s3cret", "http://collector:4317/v1?***")]
    [InlineData("http://collector:notaport/v1?api-key=s3cret", "http://collector:notaport/v1?***")]
    [InlineData("akka.tcp://FerActors@n1:5055", "akka.tcp://FerActors@n1:5055")]
    public void An_address_is_shown_without_what_signs_in(string text, string shown) => Assert.Equal(shown, Redaction.Of(text));

    [Fact]
    public void No_mistake_in_an_address_shows_its_password()
    {
        string[] wrong = [$"http//fer:{Secret}@host:1", $"ftp://fer:{Secret}@host", $"http://fer:{Secret}@host:port", $"fer:{Secret}@host", $"ftp://host?key={Secret}"];

        foreach (var address in wrong)
        {
            var errors = new FerOptions
            {
                Seq = new SeqOptions { ServerUrl = address },
                Telemetry = new TelemetryOptions { TracesUrl = address },
                Api = new ApiOptions { Urls = address, CorsOrigins = [address] },
                Cluster = new ClusterOptions { Alone = false, SeedNodes = [address] },
                RabbitMq = new RabbitMqOptions { Uri = address },
                Persistence = new PersistenceOptions { ConnectionString = address },
                Control = new ControlOptions { Address = address },
                Health = new HealthOptions { Address = address },
            }.Validate();

            Assert.All(
                ["Seq:ServerUrl", "Telemetry:TracesUrl", "Api:Urls", "Api:CorsOrigins", "Cluster:SeedNodes", "RabbitMq", "Control", "Health"],
                name => Assert.Contains(errors, error => error.StartsWith(name, StringComparison.Ordinal)));
            Assert.All(errors, error => Assert.DoesNotContain(Secret, error, StringComparison.Ordinal));
        }
    }
}
