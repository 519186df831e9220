using FerActors.Client.Tests.Http;
using FerActors.Shared.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FerActors.Client.Tests;

public sealed class FerClientServicesSpecs
{
    [Fact]
    public async Task A_host_with_wrong_options_does_not_start_and_names_every_mistake()
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddFerActorsClient(options => options.MaxInFlight = 0);
        using var host = builder.Build();

        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.Equal(2, failure.Failures.Count());
    }

    [Fact]
    public async Task The_client_is_a_singleton_whose_options_come_from_the_configuration()
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection([new("FerActors:Address", "https://example.org"), new("FerActors:MaxImageBytes", "2")]);
        builder.Services.AddFerActorsClient(builder.Configuration.GetSection("FerActors").Bind);
        using var host = builder.Build();
        await host.StartAsync();

        var client = host.Services.GetRequiredService<IFerClient>();

        Assert.Same(client, host.Services.GetRequiredService<IFerClient>());
        await Assert.ThrowsAsync<FerImageException>(() => client.ClassifyAsync(new byte[3]));
    }

    [Fact]
    public async Task Requests_to_the_API_go_through_the_HTTP_client_factory()
    {
        using var api = new ScriptedApi();
        api.Say(200, ResultJson.Serialize(new ClassificationResult { MessageId = "m-1", Node = "n" }));
        var services = new ServiceCollection();
        services.AddFerActorsClient(options => options.Address = "https://example.org");
        services.AddHttpClient(FerClient.HttpClientName).ConfigurePrimaryHttpMessageHandler(() => api);
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("m-1", (await provider.GetRequiredService<IFerClient>().ClassifyAsync(new byte[3])).MessageId);
    }

    [Fact]
    public async Task A_container_that_is_disposed_without_waiting_takes_the_client_along()
    {
        var services = new ServiceCollection();
        services.AddFerActorsClient(options => options.Address = "amqp://127.0.0.1:1/");
        using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IFerClient>();

        provider.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ClassifyAsync(new byte[3]));
    }
}
