using FerActors.Host.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FerActors.Host.Http;

/// <summary>The page at <c>/</c> for a person with a picture. Its files are in the program; it loads nothing from elsewhere.</summary>
internal static class UploadPage
{
    /// <summary>Everything is forbidden but the page's own script, style and upload, and pictures that it has in memory.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    public static void Map(IEndpointRouteBuilder routes)
    {
        Map(routes, "/", "index.html", "text/html; charset=utf-8");
        Map(routes, "/page.css", "page.css", "text/css; charset=utf-8");
        Map(routes, "/page.js", "page.js", "text/javascript; charset=utf-8");
        Map(routes, "/camera.js", "camera.js", "text/javascript; charset=utf-8");
    }

    private static void Map(IEndpointRouteBuilder routes, string path, string file, string type)
    {
        var bytes = Read(file);
        routes.MapGet(path, (RequestDelegate)(async http =>
        {
            http.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
            http.Response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
            http.Response.Headers.CacheControl = "no-cache";
            http.Response.ContentType = type;
            http.Response.ContentLength = bytes.Length;
            await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
        })).WithMetadata(OpenToAll.Instance).ExcludeFromDescription();
    }

    private static byte[] Read(string file)
    {
        using var stream = typeof(UploadPage).Assembly.GetManifestResourceStream($"FerActors.Host.Http.Page.{file}")
            ?? throw new InvalidOperationException($"The program lacks its page's file {file}.");
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
