using System.Data.Common;
using System.Globalization;
using FerActors.Deployment.Tests.Manifests;
using FerActors.Host.Node;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using YamlDotNet.Core;

namespace FerActors.Deployment.Tests.Compose;

/// <summary>compose/compose.yaml and the files that it mounts.</summary>
public sealed class ComposeSpecs
{
    private static readonly string Text = File.ReadAllText(Checkout.At("compose", "compose.yaml"));
    private static readonly ComposeFile Compose = ComposeFile.Read(Text);

    [Fact]
    public void A_misspelt_field_would_be_refused() =>
        Assert.ThrowsAny<YamlException>(() => ComposeFile.Read(Text.Replace("read_only:", "readonly:", StringComparison.Ordinal)));

    [Fact]
    public void It_has_the_nodes_and_all_that_they_need() =>
        Assert.Superset(
            new HashSet<string> { "control", "inference", "api", "rabbitmq", "postgres", "seq", "prometheus", "grafana" },
            Compose.Services.Keys.ToHashSet());

    [Fact]
    public void The_environment_of_every_node_binds_to_options_that_are_valid()
    {
        var seeds = new HashSet<string>();
        foreach (var (name, service) in Compose.Nodes)
        {
            var options = Options(service);
            seeds.Add(string.Join(' ', options.Cluster.SeedNodes));
            Assert.False(options.Cluster.Alone);
            Assert.Contains(new Uri(options.RabbitMq.Uri).Host, Compose.Services.Keys);
            Assert.True(
                TimeSpan.FromSeconds(int.Parse(service.StopGracePeriod!.TrimEnd('s'), CultureInfo.InvariantCulture)) > FerNode.ShutdownTimeout(options),
                $"{name} would be killed while it stops");
        }

        Assert.Equal([$"akka.tcp://{ClusterOptions.SystemName}@control:{Options(Compose.Services["control"]).Cluster.Port}"], seeds);
    }

    [Fact]
    public void A_seed_goes_by_the_name_that_the_others_know()
    {
        var control = Compose.Services["control"];

        Assert.Equal("control", control.Hostname);
        Assert.Contains(control.Settings, setting => setting.Name == "Cluster:PublicHostName");
        Assert.All(Compose.Nodes.Where(node => node.Key != "control"), node => Assert.Null(node.Value.Hostname));
    }

    [Fact]
    public void The_journal_is_the_database_of_the_file()
    {
        var control = Compose.Services["control"];
        var connection = new DbConnectionStringBuilder { ConnectionString = Options(control).Persistence.ConnectionString };
        var database = Compose.Services["postgres"].Environment;

        Assert.Contains((string)connection["Host"], Compose.Services.Keys);
        Assert.Equal(database["POSTGRES_DB"], connection["Database"]);
        Assert.Equal(database["POSTGRES_USER"], connection["Username"]);
        Assert.False(connection.ContainsKey("Password"));
        Assert.Contains(control.SecretPaths, secret => secret.Path == (string)connection["Passfile"]);
    }

    [Fact]
    public void Images_are_pinned_and_the_product_s_has_this_version()
    {
        Assert.All(Compose.Services.Values, service => Assert.Matches(@"^[a-z0-9./-]+:[a-z]?\d+\.\d+(\.\d+)?(-[a-z]+)?$", service.Image));
        Assert.All(Compose.Nodes, node => Assert.Equal($"feractors:{Checkout.Version}", node.Value.Image));
    }

    [Fact]
    public void Secrets_are_files_that_the_script_makes_and_git_ignores()
    {
        var script = File.ReadAllText(Checkout.At("compose", "secrets.sh"));
        var ignored = File.ReadAllLines(Checkout.At(".gitignore"));

        Assert.Contains("/compose/secrets/", ignored);
        Assert.All(Compose.Secrets.Values, secret =>
        {
            Assert.StartsWith("./secrets/", secret.File, StringComparison.Ordinal);
            Assert.Contains($"once {Path.GetFileName(secret.File)}", script, StringComparison.Ordinal);
        });
        Assert.All(Compose.Services.Values.SelectMany(service => service.SecretPaths), secret => Assert.Contains(secret.Name, Compose.Secrets.Keys));
        Assert.DoesNotContain(
            Compose.Services.Values.SelectMany(service => service.Environment),
            variable => variable.Key.Contains("PASSWORD", StringComparison.OrdinalIgnoreCase) && !variable.Value.StartsWith("/run/secrets/", StringComparison.Ordinal));
    }

    [Fact]
    public void References_are_there()
    {
        foreach (var (name, service) in Compose.Services)
        {
            Assert.All(service.DependsOn, other =>
            {
                Assert.Contains(other.Key, Compose.Services.Keys);
                Assert.True(
                    other.Value.Wish != "service_healthy" || Compose.Services[other.Key].Healthcheck is not null,
                    $"{name} waits for the health of {other.Key}, which has no check");
            });
            Assert.All(service.Volumes.Select(volume => volume.Split(':')[0]), source => Assert.True(
                source.StartsWith('.') ? Path.Exists(Path.Combine(ComposeFile.Folder, source)) : Compose.Volumes.ContainsKey(source),
                $"{name} mounts {source}, which is not there"));
            Assert.All(service.Ports, port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Nodes_may_do_nothing_that_they_need_not_and_tell_how_they_are()
    {
        foreach (var (_, node) in Compose.Nodes)
        {
            Assert.True(node.ReadOnly);
            Assert.Equal(["ALL"], node.CapDrop);
            Assert.Equal(["no-new-privileges:true"], node.SecurityOpt);
            Assert.Equal("10001:10001", node.User);
            Assert.Equal(["/tmp"], node.Tmpfs);
            Assert.Equal("health", node.Healthcheck!.Test[^1]);
            Assert.All(node.Volumes, volume => Assert.Equal(
                !Options(node).Cluster.Has(NodeRoles.Control), volume.EndsWith(":ro", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void Prometheus_asks_every_node_at_its_health_port()
    {
        var configuration = File.ReadAllText(Checkout.At("compose", "prometheus.yaml"));

        Assert.Contains($"names: [{string.Join(", ", Compose.Nodes.Select(node => node.Key))}]", configuration, StringComparison.Ordinal);
        Assert.All(Compose.Nodes, node => Assert.Contains($"port: {Options(node.Value).Health.Port}", configuration, StringComparison.Ordinal));
    }

    [Fact]
    public void Prometheus_has_the_alerts_and_Grafana_the_dashboard()
    {
        Assert.Contains(Compose.Services["prometheus"].Volumes, volume => volume == "../deploy/monitoring/alerts.yml:/etc/prometheus/alerts.yml:ro");
        Assert.Contains("rule_files: [/etc/prometheus/alerts.yml]", File.ReadAllText(Checkout.At("compose", "prometheus.yaml")), StringComparison.Ordinal);
        var provider = File.ReadAllText(Checkout.At("compose", "grafana", "dashboards", "feractors.yaml"));
        var dashboard = Assert.Single(Compose.Services["grafana"].Volumes, volume => volume.StartsWith("../deploy/monitoring/dashboard.json:", StringComparison.Ordinal));
        Assert.Contains($"path: {Path.GetDirectoryName(dashboard.Split(':')[1])}", provider, StringComparison.Ordinal);
    }

    [Fact]
    public void The_database_has_the_version_that_Kubernetes_has()
    {
        var example = File.ReadAllText(Checkout.At("k8s", "examples", "postgres.yaml"));

        Assert.Contains($"postgresql:{Compose.Services["postgres"].Image.Split(':')[1]}", example, StringComparison.Ordinal);
    }

    private static FerOptions Options(ComposeFile.Service service)
    {
        var variables = new Dictionary<string, string>(service.Environment);
        foreach (var (name, value) in service.Settings)
        {
            variables["FER_" + name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return NodeSettings.Read(variables, path => service.SecretPaths.Any(secret => secret.Path == path));
    }
}
