using System.Diagnostics.CodeAnalysis;
using k8s.Models;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>The custom resources that the manifests use, with the fields of their definitions that they use; any other field is refused.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The YAML reader makes them.")]
internal static class CustomResources
{
    public static Dictionary<string, Type> Types { get; } = new()
    {
        ["keda.sh/v1alpha1/ScaledObject"] = typeof(ScaledObject),
        ["keda.sh/v1alpha1/TriggerAuthentication"] = typeof(TriggerAuthentication),
        ["monitoring.coreos.com/v1/ServiceMonitor"] = typeof(ServiceMonitor),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(PrometheusRule),
        ["rabbitmq.com/v1beta1/RabbitmqCluster"] = typeof(RabbitmqCluster),
        ["postgresql.cnpg.io/v1/Cluster"] = typeof(PostgresCluster),
    };

    internal abstract class Resource
    {
        public required string ApiVersion { get; init; }

        public required string Kind { get; init; }

        public required V1ObjectMeta Metadata { get; init; }
    }

    internal sealed class ScaledObject : Resource
    {
        public required ScaledObjectSpec Spec { get; init; }
    }

    internal sealed class ScaledObjectSpec
    {
        public required ScaleTarget ScaleTargetRef { get; init; }

        public int MinReplicaCount { get; init; }

        public int MaxReplicaCount { get; init; }

        public int PollingInterval { get; init; }

        public int CooldownPeriod { get; init; }

        public ScaledObjectAdvanced? Advanced { get; init; }

        public required List<Trigger> Triggers { get; init; }
    }

    internal sealed class ScaleTarget
    {
        public string ApiVersion { get; init; } = "apps/v1";

        public string Kind { get; init; } = "Deployment";

        public required string Name { get; init; }
    }

    internal sealed class ScaledObjectAdvanced
    {
        public required AutoscalerConfig HorizontalPodAutoscalerConfig { get; init; }
    }

    internal sealed class AutoscalerConfig
    {
        public required V2HorizontalPodAutoscalerBehavior Behavior { get; init; }
    }

    internal sealed class Trigger
    {
        public required string Type { get; init; }

        public required Dictionary<string, string> Metadata { get; init; }

        public required NamedReference AuthenticationRef { get; init; }
    }

    internal sealed class NamedReference
    {
        public required string Name { get; init; }
    }

    internal sealed class TriggerAuthentication : Resource
    {
        public required TriggerAuthenticationSpec Spec { get; init; }
    }

    internal sealed class TriggerAuthenticationSpec
    {
        public required List<SecretTarget> SecretTargetRef { get; init; }
    }

    internal sealed class SecretTarget
    {
        public required string Parameter { get; init; }

        public required string Name { get; init; }

        public required string Key { get; init; }
    }

    internal sealed class ServiceMonitor : Resource
    {
        public required ServiceMonitorSpec Spec { get; init; }
    }

    internal sealed class ServiceMonitorSpec
    {
        public string? JobLabel { get; init; }

        public required V1LabelSelector Selector { get; init; }

        public List<string> PodTargetLabels { get; init; } = [];

        public required List<MonitorEndpoint> Endpoints { get; init; }
    }

    internal sealed class MonitorEndpoint
    {
        public required string Port { get; init; }

        public required string Path { get; init; }

        public required string Interval { get; init; }
    }

    internal sealed class PrometheusRule : Resource
    {
        public required PrometheusRuleSpec Spec { get; init; }
    }

    internal sealed class PrometheusRuleSpec
    {
        public required List<RuleGroup> Groups { get; init; }
    }

    internal sealed class RuleGroup
    {
        public required string Name { get; init; }

        public string? Interval { get; init; }

        public required List<Rule> Rules { get; init; }
    }

    internal sealed class Rule
    {
        public string? Alert { get; init; }

        public string? Record { get; init; }

        public required string Expr { get; init; }

        public string? For { get; init; }

        public Dictionary<string, string> Labels { get; init; } = [];

        public Dictionary<string, string> Annotations { get; init; } = [];
    }

    internal sealed class RabbitmqCluster : Resource
    {
        public required RabbitmqClusterSpec Spec { get; init; }
    }

    internal sealed class RabbitmqClusterSpec
    {
        public int Replicas { get; init; }

        public required string Image { get; init; }

        public required RabbitmqPersistence Persistence { get; init; }

        public required V1ResourceRequirements Resources { get; init; }

        public required RabbitmqConfiguration Rabbitmq { get; init; }

        public RabbitmqOverride? Override { get; init; }
    }

    internal sealed class RabbitmqOverride
    {
        public required StatefulSetOverride StatefulSet { get; init; }
    }

    internal sealed class StatefulSetOverride
    {
        public required V1StatefulSetSpec Spec { get; init; }
    }

    internal sealed class RabbitmqPersistence
    {
        public string? StorageClassName { get; init; }

        public required string Storage { get; init; }
    }

    internal sealed class RabbitmqConfiguration
    {
        public required string AdditionalConfig { get; init; }
    }

    internal sealed class PostgresCluster : Resource
    {
        public required PostgresClusterSpec Spec { get; init; }
    }

    internal sealed class PostgresClusterSpec
    {
        public int Instances { get; init; }

        public required string ImageName { get; init; }

        public required PostgresBootstrap Bootstrap { get; init; }

        public required PostgresStorage Storage { get; init; }

        public required V1ResourceRequirements Resources { get; init; }
    }

    internal sealed class PostgresBootstrap
    {
        public required PostgresInitdb Initdb { get; init; }
    }

    internal sealed class PostgresInitdb
    {
        public required string Database { get; init; }

        public required string Owner { get; init; }
    }

    internal sealed class PostgresStorage
    {
        public required string Size { get; init; }
    }
}
