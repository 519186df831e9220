using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Tests.Http;

public sealed class BodyGuardSpecs
{
    private const int Limit = 100;

    [Theory]
    [InlineData(Limit, null)]
    [InlineData(10 * Limit, 10 * Limit)]
    public async Task A_body_of_the_limits_length_is_read_whole(int bytes, int? own)
    {
        var http = Request(bytes, own);
        http.Request.ContentLength = bytes;

        var read = 0L;
        await Guard().BoundAsync(http, async request =>
        {
            read = await ReadAsync(request);
        });

        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task One_byte_more_that_was_not_announced_is_refused_as_it_comes()
    {
        var refusal = await Assert.ThrowsAsync<ApiException>(() => Guard().BoundAsync(Request(Limit + 1), async request =>
        {
            await ReadAsync(request);
        }));

        Assert.Equal(ErrorCodes.TooLarge, refusal.Code);
    }

    [Fact]
    public async Task One_byte_more_that_is_announced_is_refused_before_anything_is_read()
    {
        var http = Request(0);
        http.Request.ContentLength = Limit + 1;

        var refusal = await Assert.ThrowsAsync<ApiException>(() => Guard().BoundAsync(http, _ => throw new InvalidOperationException("It was let through.")));

        Assert.Equal(ErrorCodes.TooLarge, refusal.Code);
    }

    private static BodyGuard Guard() => new(Limit);

    private static DefaultHttpContext Request(int bytes, long? own = null)
    {
        var http = new DefaultHttpContext { Request = { Body = new MemoryStream(new byte[bytes]) } };
        http.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(own is { } limit ? [new BodyLimit(limit)] : []), null));
        return http;
    }

    private static async Task<long> ReadAsync(HttpContext http)
    {
        using var all = new MemoryStream();
        await http.Request.Body.CopyToAsync(all);
        return all.Length;
    }
}
