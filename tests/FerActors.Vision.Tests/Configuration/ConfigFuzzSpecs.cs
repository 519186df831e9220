using System.Text;
using System.Text.Json.Nodes;
using FerActors.Vision.Configuration;
using Xunit.Abstractions;

namespace FerActors.Vision.Tests.Configuration;

/// <summary>Damaged configuration files either load or are refused by the one exception.</summary>
public sealed class ConfigFuzzSpecs(ITestOutputHelper output)
{
    private const int Files = 4000;

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "1e400", "2147483647", "2147483648", "0.5", "\"\"", "\"x\"", "\"\\uD800\"", "[]", "[1]", "[1,1]",
        "[null]", "{}", "{\"a\":{}}", "{\"0\":\"a\"}", "{\"a\":0}", "[1e308,1,1]", "{\"height\":4,\"width\":\"4\"}",
    ];

    [Fact]
    public void Damaged_config_files_load_or_are_refused() => Fuzz(
        Encoding.UTF8.GetString((new VitConfig
        {
            Labels = LabelMap.Fer2013Labels,
            PatchSize = 8,
            ConvStem = new ConvStemConfig([48, 96, 192], 2),
            FerActors = new FerActorsSection(1.5, "name", "1"),
        }).ToJson()),
        json => VitConfig.Parse(json).EnsureValid());

    [Fact]
    public void Damaged_preprocessor_files_load_or_are_refused() => Fuzz(
        Encoding.UTF8.GetString(new PreprocessorConfig().ToJson()), json => PreprocessorConfig.Parse(json).ChannelTransforms());

    private void Fuzz(string sample, Action<byte[]> load)
    {
        var random = new Random(1307);
        var loaded = 0;
        var refused = 0;
        for (var i = 0; i < Files; i++)
        {
            var bytes = i % 2 == 0 ? ReplaceValues(random, sample) : FlipBytes(random, sample);
            try
            {
                load(bytes);
                loaded++;
            }
            catch (VitConfigException error)
            {
                Assert.NotEmpty(error.Errors);
                refused++;
            }
        }

        output.WriteLine($"loaded {loaded}, refused {refused}");
        Assert.InRange(loaded, Files / 20, Files - (Files / 20));
    }

    private static byte[] ReplaceValues(Random random, string sample)
    {
        var root = JsonNode.Parse(sample)!.AsObject();
        var marks = new Dictionary<string, string>();
        for (var i = random.Next(1, 3); i > 0; i--)
        {
            var names = root.Select(entry => entry.Key).ToList();
            var mark = $"mark-{i}";
            marks[$"\"{mark}\""] = Values[random.Next(Values.Length)];
            root[names[random.Next(names.Count)]] = mark;
        }

        // Through marks, since not every value here is one that a writer would write.
        return Encoding.UTF8.GetBytes(marks.Aggregate(
            root.ToJsonString(), (text, mark) => text.Replace(mark.Key, mark.Value, StringComparison.Ordinal)));
    }

    private static byte[] FlipBytes(Random random, string sample)
    {
        var bytes = Encoding.UTF8.GetBytes(sample);
        bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }
}
