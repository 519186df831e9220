using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Shared.Files;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace FerActors.Training.Configuration;

/// <summary>Reads YAML and JSON into one tree. A configuration may come from a stranger, so size and depth are bounded.</summary>
/// <remarks>
/// YAML plain scalars have the types of its core schema (null, true, 12, 1e-3); quoted ones are texts. Anchors, aliases and tags
/// are refused: a run's configuration needs none, and aliases of aliases make a large tree of a small file.
/// </remarks>
internal static class ConfigurationText
{
    /// <summary>Longest file, in bytes.</summary>
    public const long MaxBytes = 1 << 20;

    private const int MaxDepth = 16;

    /// <summary>Reads a file: JSON where its name ends in .json, else YAML.</summary>
    /// <exception cref="TrainingConfigurationException">It is no such text, or too long; the line is named.</exception>
    public static JsonNode? ReadFile(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
        {
            throw Refusal(path, $"it has more than {MaxBytes} bytes");
        }

        var text = RegularFile.ReadAllText(path);
        return Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase) ? ParseJson(text, path) : ParseYaml(text, path);
    }

    public static JsonNode? ParseJson(string text, string source)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
                MaxDepth = MaxDepth,
            });
        }
        catch (JsonException e)
        {
            throw Refusal(source, e.Message, e);
        }
    }

    public static JsonNode? ParseYaml(string text, string source)
    {
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return null;
            }

            parser.Consume<DocumentStart>();
            var root = Node(parser, source, MaxDepth);
            parser.Consume<DocumentEnd>();
            return parser.Accept<StreamEnd>(out _) ? root : throw Refusal(source, "it has more than one document");
        }
        catch (YamlException e)
        {
            throw Refusal(source, $"line {e.Start.Line}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // What the parser throws where it is asked for more than there is: after some mistakes it ends early instead of naming them.
            throw Refusal(source, "it breaks off within a value", e);
        }
    }

    private static JsonNode? Node(Parser parser, string source, int depth)
    {
        var line = parser.Current!.Start.Line;
        if (depth == 0)
        {
            throw Refusal(source, $"line {line} is nested deeper than {MaxDepth} levels");
        }

        if (parser.Current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false } or NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } })
        {
            throw Refusal(source, $"line {line} has an anchor, an alias or a tag; write the value itself");
        }

        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return scalar.Style == ScalarStyle.Plain ? Plain(scalar.Value) : JsonValue.Create(scalar.Value);
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var array = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                array.Add(Node(parser, source, depth - 1));
            }

            return array;
        }

        parser.Consume<MappingStart>();
        var map = new JsonObject();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            line = parser.Current!.Start.Line;
            if (!parser.TryConsume<Scalar>(out var key))
            {
                throw Refusal(source, $"line {line} has a name that is no text");
            }

            if (map.ContainsKey(key.Value))
            {
                throw Refusal(source, $"line {line} gives '{key.Value}' a second time");
            }

            map[key.Value] = Node(parser, source, depth - 1);
        }

        return map;
    }

    // A plain scalar that JSON reads as null, a truth value or a number is one; YAML's other spellings of null are added.
    private static JsonNode? Plain(string text)
    {
        if (text is "" or "~" or "null" or "Null" or "NULL")
        {
            return null;
        }

        if (text is "true" or "false" || (char.IsAsciiDigit(text[^1]) && (char.IsAsciiDigit(text[0]) || text[0] == '-')))
        {
            try
            {
                return JsonNode.Parse(text);
            }
            catch (JsonException)
            {
                // For example 2026-01-31 or 007: a text.
            }
        }

        return JsonValue.Create(text);
    }

    private static TrainingConfigurationException Refusal(string source, string reason, Exception? inner = null) =>
        new($"The training configuration '{source}' cannot be read: {reason}.", inner!);
}
