using Microsoft.Extensions.Options;

namespace FerActors.Client.Tests;

public sealed class FerClientOptionsSpecs
{
    [Theory]
    [InlineData("amqp://user:password@broker:5672/place")]
    [InlineData("amqps://broker/")]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("https://example.org/fer/")]
    public void The_defaults_are_good_with_an_address(string address) => Assert.Empty(Mistakes(options => options.Address = address));

    [Fact]
    public void Without_an_address_the_options_are_wrong() => Assert.Contains("Address must be like", Assert.Single(Mistakes(_ => { })), StringComparison.Ordinal);

    [Theory]
    [InlineData("ftp://host/")]
    [InlineData("user:s3cret@host")]
    [InlineData("amqp://user:s3cret@host/a/b")]
    [InlineData("https://user:s3cret@host/")]
    public void A_wrong_address_is_refused_and_not_shown(string address) =>
        Assert.DoesNotContain("s3cret", Assert.Single(Mistakes(options => options.Address = address)), StringComparison.Ordinal);

    [Fact]
    public void What_belongs_to_the_other_way_is_refused()
    {
        Assert.Contains("ApiKey is for the API", Assert.Single(Mistakes(options => (options.Address, options.ApiKey) = ("amqp://host/", "fer_key"))), StringComparison.Ordinal);
        Assert.Contains(
            "PasswordFile is for the broker",
            Assert.Single(Mistakes(options => (options.Address, options.PasswordFile) = ("https://host/", Environment.ProcessPath))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mistake_is_named_at_once()
    {
        var mistakes = Mistakes(options =>
        {
            options.Address = "https://host/";
            options.ApiKey = "two words";
            options.Timeout = TimeSpan.Zero;
            options.MaxInFlight = 0;
            options.MaxImageBytes = 0;
            options.ImagesQueue = "";
            options.ReplyQueuePrefix = "amq.gen-";
            options.ConfirmTimeout = TimeSpan.Zero;
            options.ConnectTimeout = TimeSpan.Zero;
            options.Heartbeat = TimeSpan.Zero;
            options.ReconnectMinBackoff = TimeSpan.FromSeconds(2);
            options.ReconnectMaxBackoff = TimeSpan.FromSeconds(1);
            options.ClientName = " ";
            options.MaxRetries = -1;
        });

        string[] named =
        [
            "ApiKey", "Timeout", "MaxInFlight", "MaxImageBytes", "ImagesQueue", "ReplyQueuePrefix", "ConfirmTimeout", "ConnectTimeout", "Heartbeat",
            "ReconnectMaxBackoff", "ClientName", "MaxRetries",
        ];
        Assert.Equal(named, mistakes.Select(mistake => mistake.Split(' ')[1]));
        Assert.DoesNotContain(mistakes, mistake => mistake.Contains("two words", StringComparison.Ordinal));
    }

    [Fact]
    public void A_client_is_not_made_of_wrong_options()
    {
        var failure = Assert.Throws<OptionsValidationException>(() => FerClient.Create("", options => options.MaxInFlight = 0));

        Assert.Equal(2, failure.Failures.Count());
    }

    private static List<string> Mistakes(Action<FerClientOptions> configure)
    {
        var options = new FerClientOptions();
        configure(options);
        return [.. new FerClientOptionsValidator().Validate(null, options).Failures ?? []];
    }
}
