using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace FerActors.Host.Api;

/// <summary>What the OpenAPI document says beyond what the framework finds out by itself.</summary>
internal static class ApiDescription
{
    private static readonly string[] ImageTypes = ["image/jpeg", "image/png", "image/webp", "image/bmp", "application/octet-stream"];

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "FerActors",
                Version = "v1",
                Description = "Facial expressions from images. Errors are application/problem+json; their member code is one of the queue contract's or the API's own.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = ApiAccess.KeyHeader },
                ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            document.Security =
            [
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] },
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] },
            ];
            document.Servers = [];
            return Task.CompletedTask;
        }));

    /// <summary>Name, summary and the problems that every endpoint may answer with.</summary>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status429TooManyRequests)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    /// <summary>As <see cref="Describe"/>, for an endpoint that takes images.</summary>
    public static RouteHandlerBuilder DescribeUpload(this RouteHandlerBuilder endpoint, string name, string summary, bool batch)
    {
        foreach (var status in new[] { 400, 401, 408, 413, 415, 422, 429, 500, 503, 504 })
        {
            endpoint.ProducesProblem(status);
        }

        return endpoint.WithName(name).WithSummary(summary).AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.RequestBody = Body(batch);
            foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            {
                Explain(parameter);
            }

            return Task.CompletedTask;
        });
    }

    private static OpenApiRequestBody Body(bool batch)
    {
        var file = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        var form = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "image" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["image"] = batch ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = file } : file,
                ["faces"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["include"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["aligned"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["explain"] = new OpenApiSchema { Type = JsonSchemaType.String },
            },
        };
        var content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new() { Schema = form } };
        foreach (var type in batch ? [] : ImageTypes)
        {
            content[type] = new OpenApiMediaType { Schema = file };
        }

        return new OpenApiRequestBody { Required = true, Content = content };
    }

    private static void Explain(OpenApiParameter parameter)
    {
        var (text, values) = parameter.Name switch
        {
            "faces" => ("Which faces to classify; all by default.", new[] { "all", "largest" }),
            "aligned" => ("true: the image is one aligned face crop, and no face is looked for.", ["true", "false"]),
            "explain" => ("An explanation of each face: rollout, gradient (of the predicted expression) or gradient:NAME.", []),
            _ => ("Further parts of the result, separated by commas: landmarks (always sent), attention, crop.", []),
        };
        parameter.Description = text;
        if (values.Length > 0)
        {
            parameter.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. values.Select(value => (JsonNode)value)] };
        }
    }
}
