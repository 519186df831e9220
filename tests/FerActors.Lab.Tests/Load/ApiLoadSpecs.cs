using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.Http;
using FerActors.Lab.Commands;
using FerActors.Lab.Load;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Lab.Tests.Load;

/// <summary><c>fer api-load</c> before a real web server, a real broker and a pipeline that answers.</summary>
public sealed class ApiLoadSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const int SmallLimit = 64 * 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-load-").FullName;

    [SkippableFact]
    public async Task Each_kind_of_request_gets_the_answer_that_it_must_get()
    {
        await StartAsync();
        await using var api = await StartApiAsync(new ApiOptions { RatePerSecond = 0, BodyTimeout = TimeSpan.FromSeconds(5) });
        var mix = string.Join(',', ApiLoadKind.All.Select(kind => $"{kind.Name}={(kind.Name == "slow" ? 1 : 6)}"));

        var (code, said, errors) = await LoadAsync(api, "--requests", "90", "--users", "6", "--mix", mix);

        Assert.True(code == 0, said + errors);
        Assert.All(ApiLoadKind.All, kind => Assert.Contains($"| {kind.Name} | {kind.Expected} |", said, StringComparison.Ordinal));
        Assert.Contains("90 requests", said, StringComparison.Ordinal);
        Assert.Contains("; 0 with another answer", said, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Another_answer_than_the_expected_one_fails_the_command()
    {
        var (_, line) = ApiKeyLine.Create("anna");
        await StartAsync();
        await using var api = await StartApiAsync(new ApiOptions { RatePerSecond = 0, KeyHashes = [line.ToString()] });

        var (code, said, _) = await LoadAsync(api, "--requests", "4", "--mix", "good=1");

        Assert.Equal(1, code);
        Assert.Contains("| good | 200 | 4 | 401: 4 |", said, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task With_a_key_it_is_let_in()
    {
        var (key, line) = ApiKeyLine.Create("anna");
        await StartAsync();
        await using var api = await StartApiAsync(
            new ApiOptions { RatePerSecond = 0, KeyHashes = [line.ToString()], BodyTimeout = TimeSpan.FromSeconds(5) });
        var file = Path.Combine(_folder, "key");
        await File.WriteAllTextAsync(file, key + "\n");

        var (code, said, errors) = await LoadAsync(api, "--requests", "8", "--mix", "good=3,slow=1", "--key-file", file);

        Assert.True(code == 0, said + errors);
    }

    [Theory]
    [InlineData("good")]
    [InlineData("good=0")]
    [InlineData("cake=1")]
    [InlineData("")]
    public void A_mixture_that_is_none_is_refused(string mix) => Assert.Throws<FormatException>(() => ApiLoad.ParseMixture(mix));

    [Fact]
    public void The_table_gives_nearest_ranks()
    {
        var good = ApiLoadKind.All[0];
        var outcomes = Enumerable.Range(1, 100).Select(i => new ApiLoadOutcome(good, i == 100 ? 0 : 200, i)).ToList();

        var table = ApiLoad.Table(outcomes, TimeSpan.FromSeconds(10));

        Assert.Contains("| good | 200 | 100 | no answer: 1, 200: 99 | 50 | 95 | 99 | 100 |", table, StringComparison.Ordinal);
        Assert.Contains("10.0 a second; 1 with another answer", table, StringComparison.Ordinal);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<ApiUnderTest> StartApiAsync(ApiOptions options)
    {
        var api = await ApiUnderTest.StartAsync(Sys, Options, options, new ImageLimitsOptions { MaxBytes = SmallLimit });
        await UntilAsync(async () => (await Akka.Actor.Futures.Ask<GatewayStatus>(api.Gateway, GetGatewayStatus.Instance, Patience)).Connected);
        return api;
    }

    private async Task<(int Code, string Said, string Errors)> LoadAsync(ApiUnderTest api, params string[] arguments)
    {
        var picture = Path.Combine(_folder, "good.jpg");
        await File.WriteAllBytesAsync(picture, Surroundings.Picture(".jpg"));
        using StringWriter said = new(), errors = new();
        var code = await LabCommandLine.RunAsync(
            ["api-load", picture, "--url", api.Address.ToString(), "--max-bytes", $"{SmallLimit}", .. arguments], (said, errors));
        return (code, said.ToString(), errors.ToString());
    }
}
