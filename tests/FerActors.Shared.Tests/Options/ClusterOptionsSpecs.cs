using FerActors.Shared.Cluster;
using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class ClusterOptionsSpecs
{
    private const string Seed = "akka.tcp://FerActors@feractors-0.feractors:5055";

    [Fact]
    public void A_node_is_alone_with_all_roles_by_default()
    {
        var options = new ClusterOptions();

        Assert.Empty(options.Validate());
        Assert.True(options.Alone);
        Assert.All(NodeRoles.All, role => Assert.True(options.Has(role)));
    }

    [Fact]
    public void A_node_has_only_the_roles_that_it_was_given()
    {
        var options = new ClusterOptions { Roles = [NodeRoles.Api] };

        Assert.Empty(options.Validate());
        Assert.True(options.Has(NodeRoles.Api));
        Assert.False(options.Has(NodeRoles.Inference));
    }

    [Fact]
    public void A_node_that_is_not_alone_needs_seeds()
    {
        var error = Assert.Single(new ClusterOptions { Alone = false }.Validate());
        Assert.Contains("Cluster:SeedNodes", error, StringComparison.Ordinal);

        Assert.Empty(new ClusterOptions { Alone = false, SeedNodes = [Seed] }.Validate());
    }

    [Fact]
    public void A_node_beyond_loopback_needs_a_certificate_or_a_word_that_it_does_without()
    {
        var options = new ClusterOptions { Alone = false, SeedNodes = [Seed], HostName = "10.0.0.7" };
        var file = typeof(ClusterOptions).Assembly.Location;

        var error = Assert.Single(options.Validate());
        Assert.Contains("make-certificates", error, StringComparison.Ordinal);
        Assert.Contains("Cluster:AllowUnencrypted", error, StringComparison.Ordinal);
        Assert.Empty((options with { AllowUnencrypted = true }).Validate());
        Assert.Empty((options with { CertificateFile = file, CertificateKeyFile = file, AuthorityFile = file }).Validate());
        Assert.Single((options with { CertificateFile = file, CertificateKeyFile = file }).Validate());
        Assert.Contains("exists", Assert.Single((options with { CertificateFile = file, CertificateKeyFile = file, AuthorityFile = "none" }).Validate()), StringComparison.Ordinal);
        Assert.Single((options with { AllowUnencrypted = true, CertificateFile = file, CertificateKeyFile = file, AuthorityFile = file }).Validate());
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.1.2.3", true)]
    [InlineData("::1", true)]
    [InlineData("localhost", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::", false)]
    [InlineData("10.0.0.7", false)]
    [InlineData("localhost.example.org", false)]
    public void An_address_is_on_loopback_or_not(string address, bool local) =>
        Assert.Equal(local, new ClusterOptions { HostName = address }.IsLocal);

    [Fact]
    public void Seeds_are_asked_in_the_protocol_that_is_in_force()
    {
        var options = new ClusterOptions { Alone = false, SeedNodes = ["n1:5055", "akka.tcp://FerActors@n2:5055"] };

        Assert.Equal(["akka.ssl.tcp://FerActors@n1:5055", "akka.ssl.tcp://FerActors@n2:5055"], options.SeedAddresses);
        Assert.Equal(
            ["akka.tcp://FerActors@n1:5055", "akka.tcp://FerActors@n2:5055"], (options with { AllowUnencrypted = true }).SeedAddresses);
    }

    [Fact]
    public void The_key_s_password_is_not_printed() =>
        Assert.DoesNotContain("s3cret", new ClusterOptions { CertificateKeyPassword = "s3cret" }.ToString(), StringComparison.Ordinal);

    [Fact]
    public void Seeds_of_a_node_that_is_alone_are_refused()
    {
        var error = Assert.Single(new ClusterOptions { SeedNodes = [Seed] }.Validate());
        Assert.Contains("Cluster:Alone to false", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("akka.tcp://FerActors@[::1]:5055")]
    [InlineData("akka.tcp://FerActors@10.0.0.7:1")]
    [InlineData("feractors-0:5055")]
    [InlineData("akka.ssl.tcp://FerActors@10.0.0.7:1")]
    public void An_address_of_a_seed_is_accepted(string seed) =>
        Assert.Empty(new ClusterOptions { Alone = false, SeedNodes = [seed] }.Validate());

    [Theory]
    [InlineData("")]
    [InlineData("feractors-0")]
    [InlineData("akka.tcp://Other@feractors-0:5055")]
    [InlineData("akka.tcp://FerActors@feractors-0")]
    [InlineData("akka.tcp://FerActors@:5055")]
    [InlineData("akka.tcp://FerActors@feractors-0:0")]
    [InlineData("akka.tcp://FerActors@feractors-0:65536")]
    [InlineData("akka.tcp://FerActors@feractors-0:+55")]
    [InlineData("akka.tcp://FerActors@feractors-0:5055/user")]
    public void What_is_no_address_of_a_seed_is_refused(string seed) =>
        Assert.Single(new ClusterOptions { Alone = false, SeedNodes = [seed] }.Validate());

    [Fact]
    public void A_node_that_listens_everywhere_must_say_what_the_others_call_it()
    {
        var options = new ClusterOptions { Alone = false, SeedNodes = [Seed], HostName = "0.0.0.0", AllowUnencrypted = true };

        Assert.Contains("PublicHostName", Assert.Single(options.Validate()), StringComparison.Ordinal);
        Assert.Empty((options with { PublicHostName = "feractors-0.feractors" }).Validate());
    }

    [Fact]
    public void Every_mistake_is_named_at_once()
    {
        var errors = new FerOptions
        {
            Cluster = new ClusterOptions
            {
                Alone = false,
                HostName = " ",
                Port = 70_000,
                SeedNodes = [Seed, Seed],
                Roles = ["Inference"],
                SeedNodeTimeout = TimeSpan.Zero,
                SplitBrainStableAfter = TimeSpan.FromHours(1),
                SplitBrainRole = "boss",
                AcceptableHeartbeatPause = TimeSpan.Zero,
            },
        }.Validate();

        Assert.All(
            ["Cluster:HostName", "Port", "SeedNodes", "Roles", "SeedNodeTimeout", "SplitBrainStableAfter", "SplitBrainRole",
                "AcceptableHeartbeatPause"],
            name => Assert.Contains(errors, e => e.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void An_empty_list_of_roles_is_refused() => Assert.Single(new ClusterOptions { Roles = [] }.Validate());
}
