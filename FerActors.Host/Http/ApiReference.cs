using System.Security.Cryptography;
using FerActors.Host.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace FerActors.Host.Http;

/// <summary>The page at <c>/docs</c> that shows the description in OpenAPI to people. Its script is in the program; it loads nothing from elsewhere.</summary>
internal static class ApiReference
{
    /// <summary>The page.</summary>
    public const string Path = "/docs";

    private const int NonceBytes = 16;

    private static readonly object Nonce = new();

    /// <summary>Adds the page and its files.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithMetadata(OpenToAll.Instance, new ReferencePage()).ExcludeFromDescription();
        group.MapScalarApiReference(Path, (options, http) =>
        {
            options.Title = "FerActors";
            options.OpenApiRoutePattern = "/openapi/{documentName}.json";
            options.Nonce = http.Items[Nonce] as string;

            // Each of these would have the page speak to a server of others.
            options.DefaultFonts = false;
            options.Telemetry = false;
            options.HideClientButton = true;
            options.DisableAgent().DisableMcp().AddDocument("v1").HideDeveloperTools();
        });
    }

    /// <summary>Lets a browser load nothing that is not the node's own.</summary>
    /// <remarks>It must come after the routing.</remarks>
    public static Task HardenAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<ReferencePage>() is not null)
        {
            var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
            http.Items[Nonce] = nonce;
            http.Response.Headers.ContentSecurityPolicy =
                $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
                + "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
        }

        return next(http);
    }

    private sealed record ReferencePage;
}
