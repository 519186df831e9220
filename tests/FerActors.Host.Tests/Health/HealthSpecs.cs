using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using FerActors.Host.Configuration;
using FerActors.Host.Health;
using FerActors.Host.Node;
using FerActors.Testing.Processes;
using Microsoft.Extensions.DependencyInjection;

namespace FerActors.Host.Tests.Health;

/// <summary>What a node without a broker says of itself over HTTP.</summary>
public sealed class HealthSpecs
{
    private const string Api = "Cluster:Roles:0=api";

    // A port that nothing listens on.
    private const string NoBroker = "RabbitMq:Uri=amqp://fer:s3cret@127.0.0.1:1";

    [Fact]
    public async Task A_member_of_the_cluster_is_ready_and_lives()
    {
        await using var node = await HealthClient.StartAsync(Api);

        await node.BecomesReadyAsync();

        Assert.Equal(HttpStatusCode.OK, (await node.AskAsync(HealthServer.LivePath)).Status);
    }

    [Fact]
    public async Task A_node_that_hosts_the_registry_and_the_supervisor_is_ready_when_both_have_read_their_journals()
    {
        using var data = new NodeData();
        await using var node = await HealthClient.StartAsync(["Cluster:Roles:0=control", "Cluster:Roles:1=training", .. data.Settings]);

        await node.BecomesReadyAsync();
    }

    [Fact]
    public async Task A_node_whose_seeds_do_not_answer_lives_but_is_not_ready()
    {
        await using var node = await HealthClient.StartAsync(
            Api, "Cluster:Alone=false", "Cluster:SeedNodes:0=akka.tcp://FerActors@127.0.0.1:1");

        var (status, faults) = await node.AskAsync(HealthServer.ReadyPath);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(["akka.cluster.join"], faults.Keys);
        Assert.Equal(HttpStatusCode.OK, (await node.AskAsync(HealthServer.LivePath)).Status);
    }

    [Fact]
    public async Task Before_its_parts_have_started_a_node_lives_but_is_not_ready()
    {
        await using var node = HealthClient.Build(Api);
        await node.Node.Services.GetRequiredService<HealthServer>().StartAsync(CancellationToken.None);

        var (status, faults) = await node.AskAsync(HealthServer.ReadyPath);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("starts", faults["node"]);
        Assert.Equal(HttpStatusCode.OK, (await node.AskAsync(HealthServer.LivePath)).Status);
        await node.Node.Services.GetRequiredService<ActorSystem>().Terminate();
    }

    [Fact]
    public async Task A_node_whose_actor_system_has_ended_neither_lives_nor_is_ready()
    {
        await using var node = await HealthClient.StartAsync(Api);
        await node.BecomesReadyAsync();

        await node.Node.Services.GetRequiredService<ActorSystem>().Terminate();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await node.AskAsync(HealthServer.LivePath)).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await node.AskAsync(HealthServer.ReadyPath)).Status);
    }

    [Fact]
    public async Task An_inference_node_without_its_broker_is_not_ready_and_says_so_without_the_password()
    {
        await using var node = await HealthClient.StartAsync(
            "Cluster:Roles:0=inference", NoBroker, $"Model:Path={Surroundings.ShippedModel}", $"Detection:ModelFolders:0={Surroundings.Shared("models")}");

        // The model needs a moment until it knows that no version was promoted.
        var faults = await node.AwaitAsync(HealthServer.ReadyPath, (_, faults) => faults.Keys.SequenceEqual(["transport"]));

        Assert.Contains("no session with the broker", faults["transport"], StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", faults["transport"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await node.AskAsync(HealthServer.LivePath)).Status);
    }

    [Fact]
    public async Task A_given_port_that_another_process_has_stops_the_start()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        using var node = FerNode.Build(FerConfiguration.Build(null, [Api, "Logging:Level=Error", $"Health:Port={port}"]));

        var failure = await Assert.ThrowsAsync<IOException>(() => node.StartAsync());

        Assert.Contains(port, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prometheus_gets_what_the_process_and_the_product_s_meters_measure()
    {
        await using var node = await HealthClient.StartAsync(Api);
        using var meter = new Meter(HealthServer.Meters + ".Specs");
        meter.CreateCounter<int>("fer.specs.made").Add(3);
        using var http = new HttpClient();

        var text = await http.GetStringAsync(new Uri(node.Address, HealthServer.MetricsPath));

        Assert.Contains("process_memory_usage", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_gc_collections", text, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^fer_specs_made_total\b.* 3\b", text);
    }

    [Fact]
    public async Task A_request_of_another_kind_is_refused()
    {
        await using var node = await HealthClient.StartAsync(Api);
        using var http = new HttpClient();
        using var body = new ByteArrayContent(new byte[1024]);

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(node.Address, "/"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(node.Address, "/health/../etc/passwd"))).StatusCode);
        Assert.NotEqual(HttpStatusCode.InternalServerError, (await http.PostAsync(new Uri(node.Address, HealthServer.LivePath), body)).StatusCode);
    }

    [Fact]
    public async Task Without_the_endpoint_a_node_starts_all_the_same()
    {
        using var node = FerNode.Build(FerConfiguration.Build(null, [Api, "Logging:Level=Error", "Health:Enabled=false"]));

        await node.StartAsync();

        Assert.Null(node.Services.GetService<HealthServer>());
        await node.StopAsync();
    }

    [Fact]
    public async Task The_command_says_what_a_node_says()
    {
        await using var node = await HealthClient.StartAsync(Api);
        await node.BecomesReadyAsync();

        var ready = await FerProcess.RunAsync("health", "--url", node.Address.ToString());
        await node.Node.Services.GetRequiredService<ActorSystem>().Terminate();
        var ended = await FerProcess.RunAsync("health", "--live", "--url", node.Address.ToString());

        Assert.Equal(0, ready.Code);
        Assert.Contains("akka.cluster.join", ready.Output, StringComparison.Ordinal);
        Assert.Equal(1, ended.Code);
        Assert.Contains("Unhealthy", ended.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:9120")]
    [InlineData("nonsense")]
    public async Task The_command_refuses_what_is_no_address(string url)
    {
        var (code, _, errors) = await FerProcess.RunAsync("health", "--url", url);

        Assert.Equal(2, code);
        Assert.StartsWith($"fer: --url is '{url}'", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_says_where_no_node_answers()
    {
        var (code, _, errors) = await FerProcess.RunAsync("health", "--set", "Health:Port=1");

        Assert.Equal(1, code);
        Assert.StartsWith("fer: No node answers at http://127.0.0.1:1/health/ready", errors, StringComparison.Ordinal);
    }
}
