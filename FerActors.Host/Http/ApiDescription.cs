using System.Text.Json.Nodes;
using FerActors.Host.Http.OpenInference;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace FerActors.Host.Http;

/// <summary>What the OpenAPI document says beyond what the framework finds out by itself.</summary>
internal static class ApiDescription
{
    private const string Images = "Images";
    private const string Protocol = "Open Inference Protocol";

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
            document.Servers = [new OpenApiServer { Url = "/", Description = "The node that serves this description." }];
            document.Tags = new HashSet<OpenApiTag>
            {
                new() { Name = Images, Description = "Images in, results out, and what people say of them." },
                new() { Name = Protocol, Description = "What clients of Triton and KServe speak, version 2." },
            };
            return Task.CompletedTask;
        }).AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<OpenToAll>().Any())
            {
                // It needs no key, and no limit counts it.
                operation.Security = [];
                operation.Responses?.Remove("401");
                operation.Responses?.Remove("429");
            }

            return Task.CompletedTask;
        }));

    /// <summary>Name, summary and the problems that every endpoint may answer with.</summary>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .WithTags(Images)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status401Unauthorized)
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status421MisdirectedRequest)
        .ProducesProblem(StatusCodes.Status429TooManyRequests)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    /// <summary>As <see cref="Describe"/>, for an endpoint that takes images.</summary>
    public static RouteHandlerBuilder DescribeUpload(this RouteHandlerBuilder endpoint, string name, string summary, bool batch)
    {
        foreach (var status in new[] { 400, 401, 403, 408, 413, 415, 421, 422, 429, 500, 503, 504 }.Concat(batch ? [] : [502]))
        {
            endpoint.ProducesProblem(status);
        }

        return endpoint.WithName(name).WithSummary(summary).WithTags(Images).AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.RequestBody = Body(batch);
            foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
            {
                Explain(parameter);
            }

            return Task.CompletedTask;
        });
    }

    /// <summary>As <see cref="Describe"/>, for an endpoint of the Open Inference Protocol, whose errors are no problems.</summary>
    /// <typeparam name="TAnswer">The answer.</typeparam>
    public static RouteHandlerBuilder DescribeInference<TAnswer>(this RouteHandlerBuilder endpoint, string name, string summary)
    {
        foreach (var status in new[] { 400, 401, 403, 404, 421, 429, 503 })
        {
            endpoint.Produces<InferenceError>(status, ResultJson.ContentType);
        }

        return endpoint.WithName(name).WithSummary(summary).WithTags(Protocol).Produces<TAnswer>(contentType: ResultJson.ContentType);
    }

    /// <summary>The body and the further errors of an endpoint of the protocol that infers. A body of any type is read, so that none is demanded.</summary>
    /// <typeparam name="TBody">The body's JSON.</typeparam>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="binary">Whether a tensor's bytes may follow the JSON; a body is optional where they may not.</param>
    public static RouteHandlerBuilder DescribeInferenceBody<TBody>(this RouteHandlerBuilder endpoint, bool binary = true)
    {
        foreach (var status in binary ? new[] { 408, 413, 415, 422, 500, 504 } : [408, 409, 413, 415, 500])
        {
            endpoint.Produces<InferenceError>(status, ResultJson.ContentType);
        }

        return endpoint.AddOpenApiOperationTransformer(async (operation, context, cancellation) =>
        {
            var content = new Dictionary<string, OpenApiMediaType>
            {
                [ResultJson.ContentType] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(TBody), null, cancellation) },
            };
            operation.RequestBody = new OpenApiRequestBody { Required = binary, Content = content };
            if (binary)
            {
                content["application/octet-stream"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
                operation.RequestBody.Description =
                    "As application/octet-stream: the JSON, as long as the header Inference-Header-Content-Length says, and the tensor's bytes behind it.";
            }
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
        if (!batch)
        {
            content[ResultJson.ContentType] = new OpenApiMediaType { Schema = Json(form) };
        }

        foreach (var type in batch ? [] : ImageTypes)
        {
            content[type] = new OpenApiMediaType { Schema = file };
        }

        return new OpenApiRequestBody { Required = true, Content = content };
    }

    // The form in JSON: the image as a text, or its address in its place.
    private static OpenApiSchema Json(OpenApiSchema form)
    {
        const string text = "Base64 of either alphabet, or a data URL of it.";
        const string url = "An address of http or https, where the node fetches images (Api:FetchUrls).";
        var members = form.Properties!.Where(member => member.Key != "image").ToDictionary();
        return new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "With one of image and image_url.",
            AdditionalPropertiesAllowed = false,
            Properties = new Dictionary<string, IOpenApiSchema>(members)
            {
                ["image"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = text },
                ["image_url"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri", Description = url },
            },
        };
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
