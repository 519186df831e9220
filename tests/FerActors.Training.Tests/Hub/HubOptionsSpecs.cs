using FerActors.Testing.Files;
using FerActors.Training.Hub;

namespace FerActors.Training.Tests.Hub;

public sealed class HubOptionsSpecs
{
    [Fact]
    public void Without_variables_the_cache_is_where_Python_has_it()
    {
        var options = Read([]);

        Assert.Equal("/home/u/.cache/huggingface/hub", options.CacheFolder);
        Assert.Equal("https://huggingface.co/", options.Endpoint.AbsoluteUri);
        Assert.Null(options.Token);
        Assert.False(options.Offline);
    }

    [Theory]
    [InlineData("/home/u/x/huggingface/hub", "XDG_CACHE_HOME", "/home/u/x")]
    [InlineData("/hf/hub", "XDG_CACHE_HOME", "/x", "HF_HOME", "/hf")]
    [InlineData("/home/u/hf/hub", "HF_HOME", "~/hf")]
    [InlineData("/c", "HF_HOME", "/hf", "HF_HUB_CACHE", "/c")]
    public void The_nearer_variable_wins(string expected, params string[] variables) => Assert.Equal(expected, Read(variables).CacheFolder);

    [Fact]
    public void The_token_is_read_from_the_variable_or_else_from_the_file()
    {
        using var folder = new TemporaryFolder();
        folder.Write("token", "from-file\n"u8.ToArray());

        Assert.Equal("from-file", Read("HF_HOME", folder.Root).Token?.Value);
        Assert.Equal("from-variable", Read("HF_HOME", folder.Root, "HF_TOKEN", " from-variable ").Token?.Value);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("0", false)]
    public void Offline_is_a_switch(string value, bool expected) => Assert.Equal(expected, Read("HF_HUB_OFFLINE", value).Offline);

    [Theory]
    [InlineData("https://user:secret-pass@mirror")]
    [InlineData("file:///secret-pass")]
    [InlineData("https://mirror?key=secret-pass")]
    public void An_endpoint_that_could_hide_a_secret_is_refused_without_being_quoted(string endpoint)
    {
        var error = Assert.Throws<HubException>(() => Read("HF_ENDPOINT", endpoint));

        Assert.Equal(HubFailure.Invalid, error.Failure);
        Assert.DoesNotContain("secret-pass", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("google/vit-base-patch16-224-in21k", "google/vit-base-patch16-224-in21k", "main")]
    [InlineData("a/b@v1.0", "a/b", "v1.0")]
    [InlineData("gpt2", "gpt2", "main")]
    [InlineData("a/b@refs/pr/3", "a/b", "refs/pr/3")]
    public void An_identifier_has_a_repository_and_perhaps_a_revision(string text, string repository, string revision) =>
        Assert.Equal(new HubModelId(repository, revision), HubModelId.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("../b")]
    [InlineData("a/b/c")]
    [InlineData("a--x/b")]
    [InlineData("a/..")]
    [InlineData("a/b@")]
    [InlineData("a/b@../../x")]
    [InlineData("a/b@/x")]
    [InlineData("a/b@x\n")]
    [InlineData("https://huggingface.co/a/b")]
    public void What_could_leave_the_cache_or_the_address_is_no_identifier(string text) =>
        Assert.Equal(HubFailure.Invalid, Assert.Throws<HubException>(() => HubModelId.Parse(text)).Failure);

    private static HubOptions Read(params string[] variables)
    {
        var values = variables.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        return HubOptions.FromEnvironment(name => values.GetValueOrDefault(name), "/home/u");
    }
}
