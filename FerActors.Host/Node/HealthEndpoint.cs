using Akka.Cluster.Hosting;
using Akka.Hosting;
using FerActors.Host.Health;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Node;

/// <summary>Whether a node lives and is ready, for whatever watches it. A part of a node adds its own check under a tag of <see cref="HealthTags"/>.</summary>
public static class HealthEndpoint
{
    /// <summary>
    /// Adds the endpoint where the options have it. It must be added before <c>AddAkka</c>: it then answers while the model loads and
    /// while the node drains.
    /// </summary>
    /// <param name="services">The node's services.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="node">This node's name, for the answers.</param>
    public static IServiceCollection AddHealthEndpoint(this IServiceCollection services, HealthOptions options, string node)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        services.AddHealthChecks().AddCheck<LifetimeCheck>("node", tags: [HealthTags.Ready]);
        if (options.Enabled)
        {
            services.AddSingleton(provider => new HealthServer(
                provider.GetRequiredService<HealthCheckService>(), options, node, provider.GetRequiredService<ILogger<HealthServer>>()));
            services.AddHostedService(provider => provider.GetRequiredService<HealthServer>());
        }

        return services;
    }

    /// <summary>
    /// Adds the checks of the actor system, of its top-level actors, of its membership and of the roles: the model and the transport of
    /// <c>inference</c>, the registry's journal and the feedback of <c>control</c>, the supervisor's journal of <c>training</c>, the gateway of <c>api</c>. A part
    /// that is connected but does not move fails them too.
    /// </summary>
    /// <param name="akka">The builder of the actor system.</param>
    /// <param name="options">Validated options.</param>
    public static AkkaConfigurationBuilder WithHealthChecks(this AkkaConfigurationBuilder akka, FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(akka);
        ArgumentNullException.ThrowIfNull(options);
        VitalActors.Watch(akka.WithActorSystemLivenessCheck().WithAkkaClusterReadinessCheck());
        Add(NodeRoles.Inference, "model", HealthTags.Ready, RoleChecks.ModelAsync);
        Add(NodeRoles.Inference, "passes", HealthTags.Ready, RoleChecks.PassesAsync);
        Add(NodeRoles.Inference, "passes-live", HealthTags.Live, RoleChecks.PassesLiveAsync);
        Add(NodeRoles.Inference, "transport", HealthTags.Ready, RoleChecks.TransportAsync);
        Add(NodeRoles.Inference, "transport-live", HealthTags.Live, RoleChecks.TransportLivesAsync);
        Add(NodeRoles.Control, "registry", HealthTags.Ready, RoleChecks.RegistryAsync);
        Add(NodeRoles.Training, "supervisor", HealthTags.Ready, RoleChecks.SupervisorAsync);
        if (options.Feedback.Enabled)
        {
            Add(NodeRoles.Control, "feedback", HealthTags.Ready, RoleChecks.FeedbackAsync);
        }

        if (ApiRole.IsOn(options))
        {
            Add(NodeRoles.Api, "api", HealthTags.Ready, RoleChecks.GatewayAsync);
        }

        return akka;

        void Add(string role, string name, string tag, Func<ActorRegistry, HealthOptions, CancellationToken, Task<HealthCheckResult>> check)
        {
            if (options.Cluster.Has(role))
            {
                akka.WithHealthCheck(
                    name,
                    (_, registry, cancellation) => check(registry, options.Health, cancellation),
                    HealthStatus.Unhealthy,
                    [tag]);
            }
        }
    }
}
