using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FerActors.Client;

/// <summary>The client in a container.</summary>
public static class FerClientServices
{
    /// <summary>Adds <see cref="IFerClient"/> as a singleton. A host that starts with wrong options ends with every mistake at once.</summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets the options, for instance <c>builder.Configuration.GetSection("FerActors").Bind</c>.</param>
    public static IServiceCollection AddFerActorsClient(this IServiceCollection services, Action<FerClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<FerClientOptions>().Configure(configure).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<FerClientOptions>, FerClientOptionsValidator>());
        services.AddHttpClient(FerClient.HttpClientName, HttpTransport.Configure).ConfigurePrimaryHttpMessageHandler(HttpTransport.NewHandler);
        services.TryAddSingleton<IFerClient>(provider =>
        {
            var http = provider.GetRequiredService<IHttpClientFactory>();
            return FerClient.Create(
                provider.GetRequiredService<IOptions<FerClientOptions>>().Value,
                () => http.CreateClient(FerClient.HttpClientName),
                provider.GetService<TimeProvider>() ?? TimeProvider.System,
                provider.GetService<ILoggerFactory>());
        });
        return services;
    }
}
