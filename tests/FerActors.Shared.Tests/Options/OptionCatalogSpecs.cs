using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class OptionCatalogSpecs
{
    [Theory]
    [InlineData("Batching:MaxBatchSize", typeof(int), false, "32")]
    [InlineData("Batching:MaxQueueDelay", typeof(TimeSpan), false, "00:00:00.0050000")]
    [InlineData("Batching:PreferredBatchSizes", typeof(int), true, "")]
    [InlineData("Cluster:Roles", typeof(string), true, "")]
    [InlineData("RabbitMq:ReplyToAllowed", typeof(string), true, "")]
    [InlineData("Detection:ModelFolders", typeof(string), true, "")]
    [InlineData("Detection:Detector", typeof(DetectorKind), false, "Auto")]
    [InlineData("Health:Port", typeof(int), false, "")]
    [InlineData("Registry:Gates:MaxAccuracyDrop", typeof(double), false, "0.01")]
    [InlineData("Cluster:Alone", typeof(bool), false, "true")]
    [InlineData("RabbitMq:Uri", typeof(string), false, "amqp://***@localhost:5672/")]
    public void An_option_has_its_path_its_type_and_its_default(string path, Type type, bool isList, string shown)
    {
        var option = Assert.Single(OptionCatalog.All, o => o.Path == path);

        Assert.Equal((type, isList), (option.Type, option.IsList));
        Assert.Equal(shown, option.Shown(option.Read(new FerOptions())));
    }

    [Fact]
    public void What_follows_from_other_options_is_no_option()
    {
        Assert.DoesNotContain(OptionCatalog.All, o => o.Path is "Api:Enabled" or "Api:Addresses" or "RabbitMq:RedactedUri" or "Cluster:EffectiveRoles");
    }

    [Fact]
    public void Every_section_of_the_options_is_there()
    {
        var sections = OptionCatalog.All.Select(o => o.Path.Split(OptionCatalog.Separator)[0]).Distinct();

        Assert.Equal(typeof(FerOptions).GetProperties().Select(p => p.Name), sections);
    }

    [Fact]
    public void Nothing_that_signs_somebody_in_is_shown()
    {
        var options = new FerOptions
        {
            RabbitMq = new RabbitMqOptions { Uri = "amqp://fer:s3cret@broker:5672/fer" },
            Control = new ControlOptions { Token = "s3cret-and-long-enough" },
            Seq = new SeqOptions { ApiKey = "s3cret", ServerUrl = "http://s3cret@seq:5341" },
            Persistence = new PersistenceOptions { ConnectionString = "Host=db;Password=s3cret" },
            Retention = new RetentionOptions { Key = "s3cret" },
            Api = new ApiOptions { KeyHashes = ["somebody:s3cret"], Urls = "http://fer:s3cret@127.0.0.1:8080;http://127.0.0.1:8081" },
            Telemetry = new TelemetryOptions { TracesUrl = "fer:s3cret@collector" },
        };

        var shown = OptionCatalog.All.ToDictionary(o => o.Path, o => o.Shown(o.Read(options)));

        Assert.All(shown.Values, value => Assert.DoesNotContain("s3cret", value, StringComparison.Ordinal));
        Assert.Equal("amqp://***@broker:5672/fer", shown["RabbitMq:Uri"]);
        Assert.Equal("(not shown)", shown["Control:Token"]);
        Assert.Equal("(not shown)", shown["Telemetry:TracesUrl"]);
    }

    [Fact]
    public void The_name_of_the_actor_system_in_a_seeds_address_is_no_secret()
    {
        var seeds = Assert.Single(OptionCatalog.All, o => o.Path == "Cluster:SeedNodes");

        Assert.Equal("akka.tcp://FerActors@a:1, akka.tcp://FerActors@b:1", seeds.Shown(new[] { "akka.tcp://FerActors@a:1", "akka.tcp://FerActors@b:1" }));
    }
}
