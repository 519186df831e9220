using System.Text.Encodings.Web;
using System.Text.Json;
using FerActors.Host.Http;
using FerActors.Host.Tests.Brokers;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>The description in OpenAPI: the file in the repository, and the page for people.</summary>
public sealed class DescriptionSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string Renew = "FER_RENEW_CONTRACTS=1 dotnet test tests/FerActors.Host.Tests -c Release --filter DescriptionSpecs";

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_file_in_the_repository_is_what_the_api_says_of_itself()
    {
        var file = Path.Combine(Surroundings.Root, "docs", "contracts", "openapi.json");
        await using var api = await ApiUnderTest.StartAsync(Sys, Options);

        var served = JsonSerializer.Serialize(await ApiUnderTest.JsonAsync(await api.Client.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative))), Format) + "\n";
        if (Environment.GetEnvironmentVariable("FER_RENEW_CONTRACTS") is "1")
        {
            await File.WriteAllTextAsync(file, served);
        }

        Assert.True(File.Exists(file) && await File.ReadAllTextAsync(file) == served, $"{file} is not what the API serves. To renew it: {Renew}");
    }

    [SkippableFact]
    public async Task The_page_for_people_shows_the_description_and_asks_nobody_else()
    {
        Skip.If(Chromium.Find() is null, Chromium.Absence);
        await using var api = await ApiUnderTest.StartAsync(Sys, Options, new ApiOptions());
        await using var browser = await Chromium.OpenAsync(new Uri(api.Address, ApiReference.Path));

        await UntilAsync(async () => (await browser.EvaluateAsync("document.body !== null && document.body.innerText.includes('Classifies the faces of one image')")).ValueKind == JsonValueKind.True);

        var asked = (await browser.EvaluateAsync("performance.getEntriesByType('resource').map((entry) => entry.name)")).EnumerateArray()
            .Select(name => name.GetString()!)
            .Where(name => !name.StartsWith("data:", StringComparison.Ordinal) && !name.StartsWith("blob:", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, name => Assert.StartsWith(api.Address.ToString(), name, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("FER_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "docs.png"), await browser.ScreenshotAsync());
        }
    }

    [Fact]
    public async Task A_browser_may_load_nothing_from_elsewhere_for_that_page()
    {
        await using var api = await ApiUnderTest.StartAsync(Sys, Options);

        var page = await api.Client.GetAsync(new Uri(ApiReference.Path, UriKind.Relative));

        Assert.True(page.IsSuccessStatusCode);
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self' 'nonce-", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("https://cdn", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
