using FerActors.Shared.Options;

namespace FerActors.Shared.Tests.Options;

public sealed class ControlOptionsSpecs : IDisposable
{
    private const string Token = "0123456789abcdef";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-control-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void By_default_there_is_a_socket_and_no_port()
    {
        var options = new ControlOptions();

        Assert.Empty(options.Validate());
        Assert.Equal(("data/control.sock", null), (options.Socket, options.Port));
        Assert.Null(options.ReadToken());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public void No_port_is_opened_without_a_token(string address)
    {
        var open = new ControlOptions { Port = 9111, Address = address };

        Assert.Contains("there is no Token", Assert.Single(open.Validate()), StringComparison.Ordinal);
        Assert.Empty((open with { Token = Token }).Validate());
        Assert.Empty((open with { Enabled = false }).Validate());
    }

    [Fact]
    public void All_mistakes_are_reported_at_once_and_none_shows_the_token()
    {
        var options = new ControlOptions
        {
            Socket = new string('s', 200),
            Port = 70_000,
            Address = "localhost",
            Token = "s3cret",
            TokenFile = "/no/such/file",
            PbmPort = 0,
            PbmAddress = "0.0.0.0",
            AnswerTimeout = TimeSpan.Zero,
            WorkTimeout = TimeSpan.FromDays(1),
        };

        var errors = options.Validate();

        string[] names = ["Socket", "Port", "Address", "Token", "TokenFile", "PbmPort", "PbmAddress", "AnswerTimeout", "WorkTimeout"];
        Assert.All(names, name => Assert.Contains(errors, e => e.StartsWith($"Control:{name} ", StringComparison.Ordinal)));
        Assert.DoesNotContain(errors, e => e.Contains("s3cret", StringComparison.Ordinal));
        Assert.DoesNotContain("s3cret", options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", Assert.Throws<FormatException>(() => (options with { TokenFile = null }).ReadToken()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_of_a_file_is_read_without_the_white_space_around_it()
    {
        var file = Path.Combine(_folder, "token");
        File.WriteAllText(file, $"{Token}\n");
        var options = new ControlOptions { TokenFile = file };

        Assert.Empty(options.Validate());
        Assert.Equal(Token, options.ReadToken());
    }

    [Fact]
    public void A_node_needs_a_socket_a_port_or_no_endpoint_at_all()
    {
        var none = new ControlOptions { Socket = "" };

        Assert.Contains("Control:Enabled", Assert.Single(none.Validate()), StringComparison.Ordinal);
        Assert.Empty((none with { Enabled = false }).Validate());
    }
}
