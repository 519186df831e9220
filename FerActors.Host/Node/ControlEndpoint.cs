using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Operator;
using FerActors.Shared.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Node;

/// <summary>Lets operators reach a node.</summary>
public static partial class ControlEndpoint
{
    /// <summary>Adds what operators reach through the actor system: the palette for pbm, in a build that has it.</summary>
    public static AkkaConfigurationBuilder AddOperators(this AkkaConfigurationBuilder builder, ControlOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        if (options is { Enabled: true, PbmPort: not null })
        {
            AddPalette(builder, options);
        }

        return builder;
    }

    /// <summary>
    /// Adds <see cref="OperatorService"/> and, where the options have it, the endpoint. It starts after the actor system and stops
    /// before it, so it must be added after <c>AddAkka</c>.
    /// </summary>
    /// <param name="services">The node's services.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="registry">Where pushed models go; absent on a node without the role <c>control</c>.</param>
    public static IServiceCollection AddControlEndpoint(this IServiceCollection services, ControlOptions options, RegistryOptions? registry = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        services.AddSingleton(provider => new OperatorService(
            provider.GetRequiredService<ActorSystem>(),
            provider.GetRequiredService<IReadOnlyActorRegistry>(),
            options.AnswerTimeout,
            options.WorkTimeout));
        if (options.Enabled)
        {
            services.AddSingleton(provider => new ControlServer(
                provider.GetRequiredService<OperatorService>(),
                options,
                provider.GetRequiredService<ILogger<ControlServer>>(),
                registry is null ? null : new ModelUpload(registry, provider.GetRequiredService<OperatorService>().ExecuteAsync)));
            services.AddHostedService(provider => provider.GetRequiredService<ControlServer>());
        }

        return services;
    }

    static partial void AddPalette(AkkaConfigurationBuilder builder, ControlOptions options);
}
