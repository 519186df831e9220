using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Shared.Tests.Options;

public sealed class ApiOptionsSpecs
{
    private const string Line = "anna:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    [Fact]
    public void By_default_nothing_is_opened()
    {
        Assert.Empty(new ApiOptions().Validate());
        Assert.False(new ApiOptions().Enabled);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080")]
    [InlineData("http://[::1]:8080;http://127.0.0.2:0")]
    public void Loopback_needs_no_key(string urls)
    {
        Assert.Empty(new ApiOptions { Urls = urls }.Validate());
    }

    [Fact]
    public void What_other_machines_reach_needs_keys_or_a_plain_word()
    {
        var open = new ApiOptions { Urls = "http://0.0.0.0:8080" };

        Assert.Contains("Api:AllowAnonymous", Assert.Single(open.Validate()), StringComparison.Ordinal);
        Assert.Empty((open with { KeyHashes = [Line] }).Validate());
        Assert.Empty((open with { KeysFile = "/run/secrets/keys" }).Validate());
        Assert.Empty((open with { AllowAnonymous = true }).Validate());
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("http://somewhere:8080")]
    [InlineData("https://127.0.0.1:8080")]
    [InlineData("http://127.0.0.1:8080/path")]
    public void Addresses_are_plain_http_on_an_ip_address(string url)
    {
        Assert.Contains("Api:Urls", new ApiOptions { Urls = url, AllowAnonymous = true }.Validate()[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fer.example.org", true)]
    [InlineData("*.example.org", true)]
    [InlineData("*", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("", false)]
    [InlineData("fer.example.org:8080", false)]
    [InlineData("https://fer.example.org", false)]
    [InlineData("fer.*.org", false)]
    [InlineData("*.", false)]
    public void Hosts_are_names_without_a_port(string host, bool good)
    {
        var errors = new ApiOptions { AllowedHosts = [host] }.Validate();

        Assert.Equal(good, errors.Count == 0);
        Assert.All(errors, error => Assert.StartsWith("Api:AllowedHosts", error, StringComparison.Ordinal));
        Assert.Equal(good, new HealthOptions { AllowedHosts = [host] }.Validate().Count == 0);
        Assert.Equal(good, new ControlOptions { AllowedHosts = [host] }.Validate().Count == 0);
    }

    [Fact]
    public void A_key_that_stands_where_its_hash_belongs_is_not_shown()
    {
        var error = Assert.Single(new ApiOptions { KeyHashes = ["fer_secret"] }.Validate());

        Assert.DoesNotContain("fer_secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_are_reported_at_once()
    {
        var errors = new ApiOptions
        {
            CorsOrigins = ["https://example.org/page"],
            ModelName = "a b",
            RequestTimeout = TimeSpan.Zero,
            RateBurst = 0,
            MaxWaitingBatchBytes = 1,
        }.Validate();

        Assert.Equal(5, errors.Count);
    }

    [Fact]
    public void A_key_line_holds_the_hash_of_its_key()
    {
        var (key, line) = ApiKeyLine.Create("anna");

        Assert.True(ApiKeyLine.TryParse(line.ToString(), out var read));
        Assert.Equal("anna", read.Name);
        Assert.Equal(ApiKeyLine.HashOf(key), read.Hash);
        Assert.DoesNotContain(key, line.ToString(), StringComparison.Ordinal);
        Assert.NotEqual(key, ApiKeyLine.Create("anna").Key);
    }

    [Theory]
    [InlineData("anna")]
    [InlineData(":9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [InlineData("an na:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [InlineData("anna:9f86")]
    [InlineData("anna:zz86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    public void Other_lines_are_refused(string text)
    {
        Assert.False(ApiKeyLine.TryParse(text, out _));
    }
}
