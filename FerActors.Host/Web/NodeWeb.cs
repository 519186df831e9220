using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Web;

/// <summary>Web servers within a node, each with its own addresses and nothing that it was not given.</summary>
internal static class NodeWeb
{
    /// <summary>A server that reads no environment, serves no files, logs nothing, and leaves signals to the node.</summary>
    /// <param name="configure">Its limits, and what it listens on.</param>
    public static WebApplicationBuilder CreateBuilder(Action<KestrelServerOptions> configure)
    {
        // Nothing of the surroundings: ASPNETCORE_URLS must not open a further port.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "fer", ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            configure(kestrel);
        });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        return builder;
    }

    /// <summary>The same with plain HTTP on given addresses, and with a log.</summary>
    /// <param name="addresses">What it listens on: IP addresses.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="configure">Its limits.</param>
    /// <param name="grpc">What it listens on for HTTP/2 alone, which gRPC needs where no TLS negotiates the version.</param>
    public static WebApplicationBuilder CreateBuilder(
        IReadOnlyList<string> addresses, ILoggerFactory loggers, Action<KestrelServerOptions>? configure = null, IReadOnlyList<string>? grpc = null)
    {
        var builder = CreateBuilder(kestrel =>
        {
            configure?.Invoke(kestrel);
            foreach (var address in addresses)
            {
                kestrel.Listen(EndPointOf(address));
            }

            foreach (var address in grpc ?? [])
            {
                kestrel.Listen(EndPointOf(address), listen => listen.Protocols = HttpProtocols.Http2);
            }
        });
        builder.Services.AddSingleton(loggers);
        return builder;
    }

    /// <summary>What a started server listens on, with the ports that were free; empty before the start.</summary>
    public static IReadOnlyList<Uri> AddressesOf(WebApplication app) =>
        [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.Select(address => new Uri(address)) ?? []];

    private static IPEndPoint EndPointOf(string address)
    {
        var url = new Uri(address);
        return new IPEndPoint(IPAddress.Parse(url.DnsSafeHost), url.Port);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
