using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using FerActors.Deployment.Tests.Manifests;
using FerActors.Host.Configuration;
using FerActors.Host.Health;
using FerActors.Host.Node;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using k8s.Models;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace FerActors.Deployment.Tests.Kubernetes;

/// <summary>What the base and the overlays send to a cluster, as a whole.</summary>
public sealed class RenderingSpecs
{
    private const string Product = "feractors";

    // The broker and the database come from their operators.
    private static readonly string[] ForOthers = ["fer-rabbitmq", "fer-postgres"];

    public static TheoryData<string> Folders => ["base", "overlays/cpu", "overlays/gpu"];

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void The_environment_of_every_node_binds_to_options_that_are_valid_and_name_its_roles(string folder)
    {
        var rendering = Of(folder);
        var roles = new HashSet<string>();

        foreach (var workload in rendering.Workloads)
        {
            var options = NodeSettings.Read(rendering, workload);
            Assert.False(options.Cluster.Alone);
            roles.UnionWith(options.Cluster.EffectiveRoles);
        }

        Assert.Superset(new HashSet<string> { NodeRoles.Control, NodeRoles.Training, NodeRoles.Inference }, roles);
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void A_misspelt_variable_would_be_refused(string folder)
    {
        var rendering = Of(folder);
        var workload = rendering.Workload("fer-inference");
        var variables = NodeSettings.Variables(rendering, workload);

        Assert.Throws<ConfigurationException>(() => NodeSettings.Read(
            new Dictionary<string, string>(variables) { ["FER_Batching__MaxBatchSiez"] = "4" }, path => NodeSettings.IsMounted(workload, path)));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Seeds_are_the_control_pods_in_order_and_the_same_for_every_node(string folder)
    {
        var rendering = Of(folder);
        var control = rendering.Workload("fer-control");
        var expected = Enumerable.Range(0, control.Replicas!.Value).Select(pod =>
        {
            var options = NodeSettings.Read(rendering, control, pod).Cluster;
            Assert.Equal($"{control.Name}-{pod}.{control.Set!.Spec.ServiceName}", options.PublicHostName);
            return $"akka.tcp://{ClusterOptions.SystemName}@{options.PublicHostName}:{options.Port}";
        }).ToList();

        Assert.All(rendering.Workloads, workload => Assert.Equal(expected, NodeSettings.Read(rendering, workload).Cluster.SeedNodes));
        Assert.All(rendering.Workloads, workload => Assert.Equal(NodeRoles.Control, NodeSettings.Read(rendering, workload).Cluster.SplitBrainRole));
        Assert.Equal("Parallel", control.Set!.Spec.PodManagementPolicy);
        var service = rendering.All<V1Service>().Single(s => s.Metadata.Name == control.Set.Spec.ServiceName);
        Assert.Equal("None", service.Spec.ClusterIP);
        Assert.True(service.Spec.PublishNotReadyAddresses);
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Pods_of_an_address_of_their_own_differ(string folder)
    {
        var rendering = Of(folder);

        Assert.All(rendering.Workloads, workload => Assert.NotEqual(
            NodeSettings.Read(rendering, workload, 0).Cluster.PublicHostName, NodeSettings.Read(rendering, workload, 1).Cluster.PublicHostName));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Ports_are_those_of_the_options(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads)
        {
            var options = NodeSettings.Read(rendering, workload);
            Assert.Equal(options.Cluster.Port, workload.Port("akka"));
            Assert.Equal(options.Health.Port, workload.Port("health"));
            Assert.Equal("0.0.0.0", options.Cluster.HostName);
            Assert.Equal("0.0.0.0", options.Health.Address);
            if (options.Cluster.Has(NodeRoles.Api))
            {
                Assert.Equal(workload.Port("http"), new Uri(Assert.Single(options.Api.Addresses)).Port);
                Assert.True(options.Api.NeedsKey);
            }
        }

        foreach (var service in rendering.All<V1Service>())
        {
            var selected = rendering.Selected(service.Spec.Selector);
            Assert.NotEmpty(selected);
            Assert.All(selected, workload => Assert.All(
                service.Spec.Ports, port => Assert.Equal(port.Port, workload.Port(port.TargetPort.Value))));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Every_node_is_asked_whether_it_lives_and_whether_it_is_ready(string folder)
    {
        foreach (var workload in Of(folder).Workloads)
        {
            Check(workload.Node.StartupProbe, HealthServer.LivePath);
            Check(workload.Node.LivenessProbe, HealthServer.LivePath);
            Check(workload.Node.ReadinessProbe, HealthServer.ReadyPath);
            Assert.True(
                workload.Node.ReadinessProbe.TimeoutSeconds > new HealthOptions().AnswerTimeout.TotalSeconds,
                "the kubelet would give up before a check does");

            void Check(V1Probe? probe, string path)
            {
                Assert.NotNull(probe);
                Assert.Equal(path, probe.HttpGet.Path);
                Assert.Contains(workload.Node.Ports, port => port.Name == probe.HttpGet.Port.Value);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void The_kubelet_waits_longer_than_a_node_needs_to_stop(string folder)
    {
        var rendering = Of(folder);

        Assert.All(rendering.Workloads, workload => Assert.True(
            workload.Pod.TerminationGracePeriodSeconds
                > FerNode.ShutdownTimeout(NodeSettings.Read(rendering, workload)).TotalSeconds + (workload.Node.Lifecycle?.PreStop.Sleep.Seconds ?? 0),
            $"{workload.Name} would be killed while it stops"));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Selectors_find_what_they_are_for(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads)
        {
            Assert.Equal([workload], rendering.Selected(workload.Selector.MatchLabels));
            Assert.NotEmpty(workload.Pod.TopologySpreadConstraints);
            Assert.All(workload.Pod.TopologySpreadConstraints, spread => Assert.Equal([workload], rendering.Selected(spread.LabelSelector.MatchLabels)));
            var budget = Assert.Single(rendering.All<V1PodDisruptionBudget>(), b => rendering.Selected(b.Spec.Selector.MatchLabels).Contains(workload));
            Assert.Equal("1", budget.Spec.MaxUnavailable.Value);
        }

        Assert.All(rendering.All<V1NetworkPolicy>(), policy => Assert.True(
            ForOthers.Contains(policy.Metadata.Name) || rendering.Selected(Labels(policy)).Count > 0, $"{policy.Metadata.Name} is for no pod"));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Pods_may_do_nothing_that_they_need_not(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads.Concat(rendering.Jobs))
        {
            var (pod, node) = (workload.Pod, workload.Node);
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.True(node.SecurityContext.ReadOnlyRootFilesystem);
            Assert.False(node.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], node.SecurityContext.Capabilities.Drop);
            Assert.Null(node.SecurityContext.Capabilities.Add);
            Assert.False(pod.AutomountServiceAccountToken);
            Assert.False(pod.EnableServiceLinks);
            Assert.Null(pod.HostNetwork);
            Assert.Contains(node.VolumeMounts, mount => mount.MountPath == "/tmp");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Only_those_that_write_models_may_write_the_shared_volume(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads)
        {
            var options = NodeSettings.Read(rendering, workload);
            var writes = options.Cluster.Has(NodeRoles.Control) || options.Cluster.Has(NodeRoles.Training);
            foreach (var mount in workload.Node.VolumeMounts)
            {
                var volume = workload.Pod.Volumes.Single(v => v.Name == mount.Name);
                if (volume.PersistentVolumeClaim is not { } claim)
                {
                    Assert.True(volume.EmptyDir is not null || mount.ReadOnlyProperty is true, $"{workload.Name} may write {mount.MountPath}");
                    continue;
                }

                Assert.Equal(writes, mount.ReadOnlyProperty is not true);
                Assert.StartsWith(mount.MountPath, options.Registry.Root, StringComparison.Ordinal);
                Assert.StartsWith(mount.MountPath, options.Training.RunsFolder, StringComparison.Ordinal);
                Assert.Contains(
                    "ReadWriteMany",
                    rendering.All<V1PersistentVolumeClaim>().Single(c => c.Metadata.Name == claim.ClaimName).Spec.AccessModes);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Images_are_pinned_to_this_version(string folder)
    {
        var rendering = Of(folder);

        Assert.All(rendering.Workloads.Concat(rendering.Jobs), workload => Assert.Contains(workload.Node.Image, new[] { $"{Product}:{Checkout.Version}", $"{Product}-cuda:{Checkout.Version}" }));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Nodes_ask_for_what_they_need_and_are_limited(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads)
        {
            var resources = workload.Node.Resources;
            Assert.All(["cpu", "memory"], name => Assert.True(
                resources.Requests[name].ToDecimal() <= resources.Limits[name].ToDecimal(), $"{workload.Name} asks for more {name} than it may have"));
            var options = NodeSettings.Read(rendering, workload);
            var gpus = resources.Limits.TryGetValue("nvidia.com/gpu", out var count) ? count.ToInt32() : 0;
            Assert.Equal(gpus > 0, options.Model.Devices.StartsWith("cuda", StringComparison.Ordinal));
            Assert.Equal(gpus > 0, workload.Node.Image.StartsWith($"{Product}-cuda:", StringComparison.Ordinal));
            Assert.Equal(folder == "overlays/gpu" && options.Cluster.Has(NodeRoles.Inference), gpus > 0);
            if (options.Cluster.Has(NodeRoles.Inference))
            {
                Assert.Equal(Math.Ceiling(resources.Limits["cpu"].ToDecimal()), options.Model.Threads);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void The_network_lets_through_what_the_nodes_use_and_nothing_else(string folder)
    {
        var rendering = Of(folder);
        foreach (var workload in rendering.Workloads)
        {
            var options = NodeSettings.Read(rendering, workload);
            var variables = NodeSettings.Variables(rendering, workload);
            var policies = rendering.All<V1NetworkPolicy>().Where(p => rendering.Selected(Labels(p)).Contains(workload)).ToList();
            var incoming = policies.SelectMany(p => p.Spec.Ingress ?? []).SelectMany(rule => rule.Ports).Select(port => port.Port.Value).ToHashSet();
            var outgoing = policies.SelectMany(p => p.Spec.Egress ?? []).SelectMany(rule => rule.Ports).Select(port => port.Port.Value).ToHashSet();
            HashSet<string> uses = ["53", Text(options.Cluster.Port), Text(new Uri(options.RabbitMq.Uri).Port)];
            if (options.Persistence.Provider == PersistenceProvider.PostgreSql)
            {
                uses.Add(Text(Convert.ToInt32(Connection(options)["Port"], CultureInfo.InvariantCulture)));
            }

            if (variables.TryGetValue("FER_Seq__ServerUrl", out var seq))
            {
                uses.Add(Text(new Uri(seq).Port));
            }

            Assert.Equal(["Egress", "Ingress"], policies.SelectMany(p => p.Spec.PolicyTypes).Distinct().Order());
            Assert.Equal(workload.Node.Ports.Select(port => Text(port.ContainerPort)).Order(), incoming.Order());
            Assert.Equal(uses.Order(), outgoing.Order());
            Assert.All(policies.SelectMany(p => p.Spec.Egress ?? []), rule => Assert.NotEmpty(rule.To));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Members_know_each_other_by_a_secret_that_the_documented_commands_make(string folder)
    {
        var rendering = Of(folder);
        var page = File.ReadAllText(Checkout.At("docs", "deployment.md"));

        Assert.Contains("./run cluster make-certificates fer ", page, StringComparison.Ordinal);
        Assert.Contains("create secret generic fer-cluster --from-file=certificates/fer", page, StringComparison.Ordinal);
        foreach (var workload in rendering.Workloads)
        {
            Assert.True(NodeSettings.Read(rendering, workload).Cluster.UsesTls);
            var secret = Assert.Single(workload.Pod.Volumes, volume => volume.Secret?.SecretName == "fer-cluster").Secret;
            Assert.Equal(["tls.crt", "tls.key", "ca.crt"], secret.Items.Select(item => item.Key));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Broker_and_database_are_those_of_the_examples(string folder)
    {
        var rendering = Of(folder);
        var examples = ManifestFile.All.Where(file => file.Contains("examples", StringComparison.Ordinal)).SelectMany(file => ManifestFile.Read(File.ReadAllText(file))).ToList();
        var broker = Assert.Single(examples.OfType<CustomResources.RabbitmqCluster>());
        var database = Assert.Single(examples.OfType<CustomResources.PostgresCluster>());
        string[] secrets = [$"{broker.Metadata.Name}-default-user", $"{database.Metadata.Name}-app", "fer-seq", "fer-api-keys", "fer-cluster"];
        var space = Assert.Single(rendering.All<V1Namespace>()).Metadata.Name;

        Assert.All([broker.Metadata, database.Metadata], metadata => Assert.Equal(space, metadata.NamespaceProperty));
        foreach (var workload in rendering.Workloads)
        {
            var options = NodeSettings.Read(rendering, workload);
            Assert.Equal(broker.Metadata.Name, new Uri(options.RabbitMq.Uri).Host);
            Assert.Equal($"username-of-{broker.Metadata.Name}-default-user", new Uri(options.RabbitMq.Uri).UserInfo);
            Assert.All(workload.Pod.Volumes.Where(v => v.Secret is not null), volume => Assert.Contains(volume.Secret.SecretName, secrets));
            if (options.Persistence.Provider != PersistenceProvider.PostgreSql)
            {
                Assert.DoesNotContain(workload.Pod.Volumes, volume => volume.Name == "postgres");
                continue;
            }

            var connection = Connection(options);
            Assert.Equal($"{database.Metadata.Name}-rw", connection["Host"]);
            Assert.Equal(database.Spec.Bootstrap.Initdb.Database, connection["Database"]);
            Assert.Equal(database.Spec.Bootstrap.Initdb.Owner, connection["Username"]);
            Assert.False(connection.ContainsKey("Password"));
            Assert.True(NodeSettings.IsMounted(workload, (string)connection["Passfile"]));
        }
    }

    [SkippableTheory]
    [InlineData("overlays/cpu")]
    [InlineData("overlays/gpu")]
    public void The_job_makes_the_tables_that_the_control_nodes_then_need_not_make(string folder)
    {
        var rendering = Of(folder);
        var job = Assert.Single(rendering.Jobs);
        var control = rendering.Workload("fer-control");
        var persistence = NodeSettings.Read(rendering, job).Persistence;

        Assert.Equal("migrate", job.Node.Args[0]);
        Assert.Equal("Never", job.Pod.RestartPolicy);
        Assert.Equal(NodeSettings.Read(rendering, control).Persistence with { AutoInitialize = true }, persistence);
        Assert.False(NodeSettings.Read(rendering, control).Persistence.AutoInitialize);
        Assert.True(NodeSettings.IsMounted(job, (string)new DbConnectionStringBuilder { ConnectionString = persistence.ConnectionString }["Passfile"]));
        Assert.Contains(
            rendering.All<V1NetworkPolicy>(),
            policy => Labels(policy).All(label => job.Labels.TryGetValue(label.Key, out var value) && value == label.Value)
                && (policy.Spec.Egress ?? []).SelectMany(rule => rule.Ports).Any(port => port.Port.Value == "5432"));
    }

    [SkippableTheory]
    [InlineData("overlays/cpu")]
    [InlineData("overlays/gpu")]
    public void The_scaler_watches_the_queue_that_the_nodes_consume_and_leaves_their_number_to_itself(string folder)
    {
        var rendering = Of(folder);
        var scaler = Assert.Single(rendering.All<CustomResources.ScaledObject>()).Spec;
        var workload = rendering.Workload(scaler.ScaleTargetRef.Name);
        var trigger = Assert.Single(scaler.Triggers);
        var authentication = Assert.Single(rendering.All<CustomResources.TriggerAuthentication>(), a => a.Metadata.Name == trigger.AuthenticationRef.Name);

        Assert.Null(workload.Replicas);
        Assert.InRange(scaler.MinReplicaCount, 1, scaler.MaxReplicaCount);
        Assert.Equal(NodeSettings.Read(rendering, workload).RabbitMq.ImagesQueue, trigger.Metadata["queueName"]);
        Assert.Equal("QueueLength", trigger.Metadata["mode"]);
        Assert.Equal("host", Assert.Single(authentication.Spec.SecretTargetRef).Parameter);
    }

    [SkippableTheory]
    [InlineData("overlays/cpu")]
    [InlineData("overlays/gpu")]
    public void Prometheus_finds_every_node(string folder)
    {
        var rendering = Of(folder);
        var monitor = Assert.Single(rendering.All<CustomResources.ServiceMonitor>()).Spec;
        var service = Assert.Single(rendering.All<V1Service>(), s => monitor.Selector.MatchLabels.All(l => s.Metadata.Labels.Contains(l)));

        Assert.Equal(rendering.Workloads.Count, rendering.Selected(service.Spec.Selector).Count);
        var endpoint = Assert.Single(monitor.Endpoints);
        Assert.Equal(HealthServer.MetricsPath, endpoint.Path);
        Assert.Contains(service.Spec.Ports, port => port.Name == endpoint.Port);

        // The alerts ask for this job.
        Assert.Equal("feractors", service.Metadata.Labels[monitor.JobLabel!]);
    }

    [SkippableTheory]
    [InlineData("overlays/cpu")]
    [InlineData("overlays/gpu")]
    public void The_operator_s_rules_are_those_of_the_rule_file(string folder)
    {
        var operators = Assert.Single(Of(folder).All<CustomResources.PrometheusRule>()).Spec.Groups;
        var file = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build()
            .Deserialize<CustomResources.PrometheusRuleSpec>(File.ReadAllText(Checkout.At("deploy", "monitoring", "alerts.yml"))).Groups;

        Assert.Equal(file.Select(Text), operators.Select(Text));
        Assert.Contains(file.SelectMany(group => group.Rules), rule => rule.Alert == "FerNodeDown" && rule.Expr.Contains("job=\"feractors\"", StringComparison.Ordinal));

        static string Text(CustomResources.RuleGroup group) => JsonSerializer.Serialize(group);
    }

    [SkippableTheory]
    [InlineData("overlays/cpu")]
    [InlineData("overlays/gpu")]
    public void Grafana_s_sidecar_finds_the_dashboard(string folder)
    {
        var map = Assert.Single(Of(folder).All<V1ConfigMap>(), m => m.Metadata.Labels?.ContainsKey("grafana_dashboard") is true);

        Assert.Equal(File.ReadAllText(Checkout.At("deploy", "monitoring", "dashboard.json")), map.Data["dashboard.json"]);
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Nothing_in_the_namespace_is_reached_but_by_what_a_policy_names(string folder)
    {
        var policies = Of(folder).All<V1NetworkPolicy>().ToList();

        Assert.Contains(policies, policy => Labels(policy).Count == 0 && policy.Spec.PolicyTypes.Contains("Ingress") && policy.Spec.Ingress is null);
        Assert.All(ForOthers, name => Assert.All(
            policies.Single(policy => policy.Metadata.Name == name).Spec.Ingress, rule => Assert.NotEmpty(rule.FromProperty)));
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void A_run_that_takes_too_much_memory_takes_no_seed_with_it(string folder)
    {
        var rendering = Of(folder);
        var training = Assert.Single(rendering.Workloads, workload => NodeSettings.Read(rendering, workload).Cluster.Has(NodeRoles.Training));

        Assert.False(NodeSettings.Read(rendering, training).Cluster.Has(NodeRoles.Control));

        // What fine-tuning a ViT-B took at its peak, and room for the rest of the node.
        Assert.True(training.Node.Resources.Limits["memory"].ToDecimal() >= 5m * 1024 * 1024 * 1024);
    }

    [SkippableFact]
    public void The_scaler_of_the_api_decides_how_many_there_are()
    {
        var rendering = Of("overlays/cpu");
        var scaler = Assert.Single(rendering.All<V2HorizontalPodAutoscaler>()).Spec;

        Assert.Null(rendering.Workload(scaler.ScaleTargetRef.Name).Replicas);
        Assert.InRange(scaler.MinReplicas!.Value, 2, scaler.MaxReplicas);
    }

    [Fact]
    public void The_broker_s_pods_comply_with_the_level_of_the_namespace()
    {
        var level = Assert.Single(ManifestFile.Read(File.ReadAllText(Checkout.At("k8s", "base", "namespace.yaml"))).OfType<V1Namespace>());
        var broker = Assert.Single(ManifestFile.Read(File.ReadAllText(Checkout.At("k8s", "examples", "rabbitmq.yaml"))).OfType<CustomResources.RabbitmqCluster>());
        var pod = broker.Spec.Override!.StatefulSet.Spec.Template.Spec;

        Assert.Equal("restricted", level.Metadata.Labels["pod-security.kubernetes.io/enforce"]);
        Assert.True(pod.SecurityContext.RunAsNonRoot);
        Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
        Assert.All(pod.Containers.Concat(pod.InitContainers), container =>
        {
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        });
    }

    // A selector without labels is for every pod of the namespace.
    private static IDictionary<string, string> Labels(V1NetworkPolicy policy) =>
        policy.Spec.PodSelector.MatchLabels ?? new Dictionary<string, string>();

    private static Rendering Of(string folder)
    {
        var rendering = Rendering.Of(folder);
        Skip.If(rendering is null, "kubectl is not installed, which has kustomize.");
        return rendering;
    }

    private static DbConnectionStringBuilder Connection(FerOptions options) => new() { ConnectionString = options.Persistence.ConnectionString };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
