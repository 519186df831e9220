using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Json.Schema;
using YamlDotNet.Serialization;

namespace FerActors.Shared.Tests.Protocol;

/// <summary>The machine-readable contracts of docs/contracts beside what the code writes and reads.</summary>
public sealed class ContractFileSpecs
{
    private static readonly string Folder = FindFolder();
    private static readonly JsonSchema Result = JsonSchema.FromText(File.ReadAllText(Path.Combine(Folder, "result.schema.json")));
    private static readonly JsonSchema Feedback = JsonSchema.FromText(File.ReadAllText(Path.Combine(Folder, "feedback.schema.json")));
    private static readonly JsonNode AsyncApi = ReadYaml("asyncapi.yaml");

    [Fact]
    public void Results_of_every_kind_are_valid()
    {
        Assert.True(IsValid(Result, WholeResult()));
        Assert.True(IsValid(Result, WholeResult() with { Faces = [] }));
        Assert.All(Codes(), code => Assert.True(IsValid(Result, ClassificationResult.Failed("m", null, "node", code, "A sentence."))));
    }

    [Fact]
    public void What_is_no_result_is_refused()
    {
        Assert.False(IsValid(Result, ClassificationResult.Failed("m", null, "node", "no_such_code", "A sentence.")));
        Assert.False(IsValid(Result, WholeResult() with { Error = new ErrorDetail(ErrorCodes.Expired, "A sentence.") }));
        Assert.False(IsValid(Result, WholeResult() with { Model = new ModelIdentity("compact", "1", "abc") }));
    }

    [Fact]
    public void The_schema_names_every_field_that_a_result_can_have()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "result.schema.json")))!;
        var unnamed = new List<string>();
        Compare(JsonNode.Parse(ResultJson.Serialize(WholeResult())), schema, "");

        Assert.Empty(unnamed);

        // A field that the whole result left at its default would escape the comparison.
        var absent = typeof(ClassificationResult).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.Name != nameof(ClassificationResult.Error) && p.GetValue(WholeResult()) is null)
            .Concat(typeof(FaceResult).GetProperties().Where(p => p.GetValue(WholeResult().Faces[0]) is null));
        Assert.Empty(absent);

        void Compare(JsonNode? value, JsonNode definition, string path)
        {
            var found = definition["$ref"] is { } reference ? schema["$defs"]![reference.GetValue<string>().Split('/')[^1]]! : definition;
            switch (value)
            {
                case JsonObject fields:
                    foreach (var (name, field) in fields)
                    {
                        if (found["properties"]?[name] is { } known)
                        {
                            Compare(field, known, $"{path}.{name}");
                        }
                        else
                        {
                            unnamed.Add($"{path}.{name}");
                        }
                    }

                    break;
                case JsonArray items when items.Count > 0 && found["items"] is { } item:
                    Compare(items[0], item, $"{path}[]");
                    break;
            }
        }
    }

    [Fact]
    public void The_schema_has_the_code_s_error_codes()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "result.schema.json")))!;
        var listed = schema["$defs"]!["error"]!["properties"]!["code"]!["enum"]!.AsArray().Select(code => code!.GetValue<string>());

        Assert.Equal(Codes().Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Feedback_that_the_code_writes_is_valid_and_what_it_refuses_is_not()
    {
        var feedback = new FaceFeedback("order-17", 0, Expression.Sad, Expression.Neutral, "2026-01", "anna");

        Assert.True(Evaluate(Feedback, Encoding.UTF8.GetString(FeedbackFields.Write(feedback))));
        foreach (var wrong in new[]
        {
            """{"message_id":"","face":0,"label":"Sad","predicted":"Sad","model_version":"1","source":"a"}""",
            """{"message_id":"m","face":-1,"label":"Sad","predicted":"Sad","model_version":"1","source":"a"}""",
            """{"message_id":"m","face":0,"label":"Bored","predicted":"Sad","model_version":"1","source":"a"}""",
            """{"message_id":"m","face":0,"label":7,"predicted":"Sad","model_version":"1","source":"a"}""",
            """{"message_id":"m","face":0,"label":"Sad","predicted":"Sad","model_version":"1","source":"a b"}""",
        })
        {
            Assert.False(FeedbackFields.TryRead(Encoding.UTF8.GetBytes(wrong), out _, out _));
            Assert.False(Evaluate(Feedback, wrong), wrong);
        }
    }

    [Fact]
    public void The_AsyncAPI_document_names_the_queues_of_the_options()
    {
        var options = new RabbitMqOptions();

        Assert.Equal(options.ImagesQueue, AsyncApi["channels"]!["images"]!["address"]!.GetValue<string>());
        Assert.Equal(options.ResultsQueue, AsyncApi["channels"]!["results"]!["address"]!.GetValue<string>());
        Assert.Equal(options.FeedbackQueue, AsyncApi["channels"]!["feedback"]!["address"]!.GetValue<string>());
    }

    [Fact]
    public void The_AsyncAPI_document_names_every_header_that_a_publisher_may_set()
    {
        var headers = AsyncApi["components"]!["messages"]!["image"]!["headers"]!["properties"]!.AsObject().Select(header => header.Key);
        var constants = Constants(typeof(RequestHeaders)).Where(name => name != RequestHeaders.Prefix);

        Assert.Equal(constants.Order(StringComparer.Ordinal), headers.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_reference_of_the_AsyncAPI_document_leads_somewhere()
    {
        var references = new List<string>();
        Collect(AsyncApi);

        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.True(
            reference.StartsWith("#/", StringComparison.Ordinal)
                ? reference[2..].Split('/').Aggregate((JsonNode?)AsyncApi, (node, part) => node?[part]) is not null
                : File.Exists(Path.Combine(Folder, reference)),
            reference));

        void Collect(JsonNode? node)
        {
            switch (node)
            {
                case JsonObject fields:
                    foreach (var (name, value) in fields)
                    {
                        if (name == "$ref")
                        {
                            references.Add(value!.GetValue<string>());
                        }

                        Collect(value);
                    }

                    break;
                case JsonArray items:
                    foreach (var item in items)
                    {
                        Collect(item);
                    }

                    break;
            }
        }
    }

    private static ClassificationResult WholeResult() => new()
    {
        MessageId = "m",
        CorrelationId = "c",
        Node = "node",
        Image = new ImageInfo(640, 480, "jpeg"),
        Model = new ModelIdentity("compact", "1", new string('a', 64)),
        TimingsMs = new Timings(1, 2, 3, 4, 5, 15),
        FacesFound = 2,
        FacesCut = true,
        SearchScale = 0.16,
        Faces =
        [
            new FaceResult(
                new FaceBox(10, 20, 30, 40),
                new FaceLandmarks(new(1, 2), new(3, 4), new(5, 6), new(7, 8), new(9, 10)),
                -3.5,
                0.9,
                Expression.Happy,
                "Happy",
                0.8,
                [.. ExpressionNames.All.Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 0.8 : 0.2 / 6))],
                new AttentionMap(1, 2, [0.5f, 0.5f]),
                [1, 2, 3],
                new FaceExplanation("gradient", Expression.Happy, [[0f, 1f]]),
                "flip_shift"),
        ],
    };

    private static IEnumerable<string> Codes() => Constants(typeof(ErrorCodes));

    private static IEnumerable<string> Constants(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!);

    private static bool IsValid(JsonSchema schema, ClassificationResult result) => Evaluate(schema, Encoding.UTF8.GetString(ResultJson.Serialize(result)));

    private static bool Evaluate(JsonSchema schema, string json)
    {
        using var document = JsonDocument.Parse(json);
        return schema.Evaluate(document.RootElement).IsValid;
    }

    private static JsonNode ReadYaml(string file)
    {
        var yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(File.ReadAllText(Path.Combine(Folder, file)));
        return JsonNode.Parse(new SerializerBuilder().JsonCompatible().Build().Serialize(yaml))!;
    }

    private static string FindFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new DirectoryNotFoundException("FerActors.sln is above none of the test's folders."), "docs", "contracts");
    }
}
