using Akka.Hosting;
using FerActors.Host.Http;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Operator;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Node;

/// <summary>What a node of the role <c>api</c> has, where <c>Api:Urls</c> or <c>Api:GrpcUrls</c> says that it listens: the gateway to the broker and the web server.</summary>
public static class ApiRole
{
    /// <summary>Whether this node answers HTTP.</summary>
    public static bool IsOn(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Cluster.Has(NodeRoles.Api) && options.Api.Enabled;
    }

    /// <summary>Adds the gateway.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, FerOptions options)
    {
        if (IsOn(options))
        {
            akka.AddImageGateway(options.RabbitMq, options.Api);
        }
    }

    /// <summary>Adds the web server; after the actor system, so that it stops first and answers what it has taken.</summary>
    public static void AddTo(IServiceCollection services, FerOptions options)
    {
        if (!IsOn(options))
        {
            return;
        }

        services.AddSingleton(provider => new ApiServer(
            options,
            () => provider.GetRequiredService<ActorRegistry>().Get<ImageGateway>(),
            provider.GetRequiredService<ILoggerFactory>(),
            models: request => provider.GetRequiredService<OperatorService>().ExecuteAsync(request)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<ApiServer>());
    }
}
