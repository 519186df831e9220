using Akka.Actor;
using Akka.Hosting;
using Akka.Remote.Transport.DotNetty;
using FerActors.Control.Wire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Tests.Clustering;

/// <summary>A process that is no member but knows Akka.Remote, the product's messages and the node's address.</summary>
internal sealed class ForeignClient : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Address _node;

    private ForeignClient(IHost host, Address node) => (_host, _node) = (host, node);

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    /// <param name="node">The node's address.</param>
    /// <param name="tls">Its certificate; <see langword="null"/> to speak without TLS.</param>
    public static async Task<ForeignClient> StartAsync(Address node, DotNettySslSetup? tls)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddAkka("Foreign", akka =>
        {
            akka
                .AddHocon(
                    $$"""
                    akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0, enable-ssl = {{(tls is null ? "off" : "on")}} }
                    """,
                    HoconAddMode.Prepend)
                .WithActorRefProvider(ProviderSelection.Remote.Instance)
                .WithFerSerialization();
            if (tls is not null)
            {
                akka.AddSetup(tls);
            }
        });
        var host = builder.Build();

        // The protocol is a part of the address: who speaks another one asks at the same port by another name.
        var client = new ForeignClient(host, node.WithProtocol(tls is null ? "akka.tcp" : "akka.ssl.tcp"));
        await host.StartAsync();
        return client;
    }

    /// <summary>The actor at a path of the node, without having asked whether it is there.</summary>
    public IActorRef At(string path) => ((ExtendedActorSystem)System).Provider.ResolveActorRef($"{_node}{path}");

    public ActorSelection Select(string path) => System.ActorSelection($"{_node}{path}");

    /// <summary>Asks the node to start an actor of a type that this process names.</summary>
    public IActorRef Deploy(Props props) => System.ActorOf(props.WithDeploy(new Deploy(new RemoteScope(_node))));

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
