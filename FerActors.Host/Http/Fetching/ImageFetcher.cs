using System.Net;
using System.Net.Sockets;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.Fetching;

/// <summary>
/// Fetches an image that a client names by its address, and nothing that only this machine can see (server-side request forgery). A name
/// is resolved once for each connection, every address that it has must be public, and the connection goes to one of these: a name that
/// changes its address between check and use gains nothing. Redirects are followed by hand, each as a request of its own.
/// </summary>
internal sealed class ImageFetcher : IDisposable
{
    private const int MaxRedirects = 3;
    private const int MaxHeaderKilobytes = 16;
    private const int MaxUrlLength = 2048;

    private readonly ApiOptions _options;
    private readonly int _maxBytes;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly Func<IPEndPoint, CancellationToken, Task<Stream>> _connect;
    private readonly HttpClient _client;

    /// <param name="options">Whether addresses are fetched, and which hosts may be anywhere.</param>
    /// <param name="maxBytes">Bytes of one image.</param>
    /// <param name="resolve">Resolves a host's name; the system's resolver where absent.</param>
    /// <param name="connect">Connects to one address; TCP where absent.</param>
    public ImageFetcher(
        ApiOptions options,
        int maxBytes,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
        Func<IPEndPoint, CancellationToken, Task<Stream>>? connect = null)
    {
        _options = options;
        _maxBytes = maxBytes;
        _resolve = resolve ?? Dns.GetHostAddressesAsync;
        _connect = connect ?? ConnectTcpAsync;
        _client = new HttpClient(new SocketsHttpHandler
        {
            // Nothing of this node's travels along: no proxy, cookies, credentials or trace; no connection serves a second request.
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.Zero,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            ConnectCallback = async (context, cancellation) => await ConnectAsync(context.DnsEndPoint, cancellation),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Fetches an image.</summary>
    /// <param name="url">Its address as the client wrote it.</param>
    /// <param name="aborted">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ApiException">The address is not one to fetch from, or the image did not come.</exception>
    public async Task<ReadOnlyMemory<byte>> FetchAsync(string url, CancellationToken aborted)
    {
        if (!_options.FetchUrls)
        {
            throw new ApiException(ApiCodes.InvalidRequest, "This API fetches no addresses (Api:FetchUrls); send the image itself.");
        }

        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        bounded.CancelAfter(_options.FetchTimeout);
        try
        {
            return await FetchAsync(Checked(url, null), bounded.Token);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            throw Failed($"it did not come within {_options.FetchTimeout.TotalSeconds:0.###} s");
        }
        catch (HttpRequestException e)
        {
            throw e.InnerException as ApiException ?? Failed("its server cannot be reached, or does not speak HTTP");
        }
        catch (IOException)
        {
            throw Failed("the connection broke");
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<ReadOnlyMemory<byte>> FetchAsync(Uri url, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.UserAgent.ParseAdd("FerActors");
            request.Headers.Accept.ParseAdd("image/*");
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } location)
            {
                url = Checked(location.OriginalString, url);
                continue;
            }

            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw Failed($"its server answered {(int)response.StatusCode}");
            }

            if (response.Content.Headers.ContentLength > _maxBytes)
            {
                throw UploadReader.TooLarge(_maxBytes);
            }

            return await UploadReader.ReadBytesAsync(
                await response.Content.ReadAsStreamAsync(cancellation), _maxBytes, () => UploadReader.TooLarge(_maxBytes), cancellation);
        }

        throw Failed($"it was redirected more than {MaxRedirects} times");
    }

    // What an address says by itself. Where its name leads is known when it is connected to.
    private Uri Checked(string text, Uri? relativeTo)
    {
        if (text.Length > MaxUrlLength
            || !(relativeTo is null ? Uri.TryCreate(text, UriKind.Absolute, out var url) : Uri.TryCreate(relativeTo, text, out url))
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw Refused($"'{UntrustedText.Shown(text)}' is not an address of http or https with at most {MaxUrlLength} characters");
        }

        return url.UserInfo.Length > 0 ? throw Refused("it holds a user's name")
            : !url.IsDefaultPort && !IsNamed(url.DnsSafeHost) ? throw Refused("its port is not that of its scheme, and Api:FetchHosts does not name its host")
            : url;
    }

    private async Task<Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancellation)
    {
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await _resolve(host.Host, cancellation);
        }
        catch (SocketException)
        {
            addresses = [];
        }

        if (addresses.Length == 0)
        {
            throw Failed("its host's name has no address");
        }

        if (!IsNamed(host.Host) && !addresses.All(PublicAddress.Is))
        {
            throw Refused("its host is not of the public internet, and Api:FetchHosts does not name it");
        }

        return await _connect(new IPEndPoint(addresses[0], host.Port), cancellation);
    }

    private bool IsNamed(string host) => _options.FetchHosts.Any(pattern => HostPattern.Covers(pattern, host.TrimEnd('.')));

    private static async Task<Stream> ConnectTcpAsync(IPEndPoint address, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static ApiException Refused(string why) => new(ApiCodes.InvalidRequest, $"The image's address cannot be used: {why}.");

    private static ApiException Failed(string why) => new(ApiCodes.FetchFailed, $"The image could not be fetched: {why}.");
}
