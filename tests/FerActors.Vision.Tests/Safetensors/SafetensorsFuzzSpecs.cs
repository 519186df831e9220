using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using FerActors.Vision.Safetensors;
using Xunit.Abstractions;

namespace FerActors.Vision.Tests.Safetensors;

/// <summary>Damaged files either load or are refused by the one exception, and cost memory in proportion to themselves.</summary>
public sealed class SafetensorsFuzzSpecs(ITestOutputHelper output)
{
    private const int Files = 10_000;

    // Exceptions and their stack traces take most of it; a claimed size of gigabytes would be far over.
    private const long FixedBytes = 128 * 1024;
    private const long BytesPerFileByte = 32;

    [Fact]
    public void Ten_thousand_damaged_files_load_or_are_refused()
    {
        var random = new Random(20130414);
        var mutations = new Func<Random, byte[], byte[]>[]
        {
            FlipHeaderBytes, FlipAnyBits, ChangeLength, Truncate, Extend, HugeShape, SwapOffsets, ShiftOffsets, DuplicateKey, NestDeeply,
            ChangeDType, ReplaceValue,
        };
        var loaded = new int[mutations.Length];
        var refused = new int[mutations.Length];
        var reasons = new HashSet<string>();
        var worst = 0L;

        // One refusal first, so that what is loaded and compiled once is not counted.
        Assert.False(Load(ChangeLength(random, Sample(random)), out _));

        for (var i = 0; i < Files; i++)
        {
            var kind = i % mutations.Length;
            var bytes = mutations[kind](random, Sample(random));

            var before = GC.GetAllocatedBytesForCurrentThread();
            var isLoaded = Load(bytes, out var reason);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.True(
                allocated <= FixedBytes + (BytesPerFileByte * bytes.Length),
                $"File {i} ({mutations[kind].Method.Name}) of {bytes.Length} bytes cost {allocated} bytes.");
            worst = Math.Max(worst, allocated);
            (isLoaded ? loaded : refused)[kind]++;
            if (reason is not null)
            {
                reasons.Add(new string([.. reason.Where(char.IsAsciiLetter)]));
            }
        }

        for (var kind = 0; kind < mutations.Length; kind++)
        {
            output.WriteLine($"{mutations[kind].Method.Name,-16} loaded {loaded[kind],5}  refused {refused[kind],5}");
        }

        output.WriteLine(
            $"loaded {loaded.Sum()}, refused {refused.Sum()}, "
            + $"worst allocation {worst} bytes, {reasons.Count} distinct messages");
        Assert.Equal(Files, loaded.Sum() + refused.Sum());
        // Neither side may be idle: a generator of nothing but rubbish would test only the first rule.
        Assert.InRange(loaded.Sum(), 100, Files / 2);
        Assert.All(refused, count => Assert.InRange(count, 1, Files));
    }

    private static bool Load(byte[] bytes, out string? reason)
    {
        reason = null;
        try
        {
            using var file = SafetensorsFile.Open(bytes);
            foreach (var tensor in file.Tensors.Values)
            {
                file.Read(tensor, new byte[tensor.ByteLength]);
                if (tensor.DType is SafetensorsDType.F32 or SafetensorsDType.F16 or SafetensorsDType.BF16 or SafetensorsDType.F64)
                {
                    Assert.Equal(tensor.ElementCount, file.ReadAsFloat32(tensor.Name).Length);
                }
            }

            return true;
        }
        catch (SafetensorsFormatException error)
        {
            reason = error.Message;
            return false;
        }
    }

    private static byte[] Sample(Random random)
    {
        var tensors = new List<TensorData>();
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var dtype = SafetensorsDTypes.All[random.Next(SafetensorsDTypes.All.Count)];
            long[] shape = [.. Enumerable.Range(0, random.Next(3)).Select(_ => (long)random.Next(4)), 8];
            var bytes = new byte[shape.Aggregate(1L, (product, size) => product * size) * dtype.BitSize() / 8];
            random.NextBytes(bytes);
            tensors.Add(new TensorData($"vit.layer.{i}.weight", dtype, shape, bytes));
        }

        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, random.Next(2) == 0 ? null : new Dictionary<string, string> { ["format"] = "pt" });
        return stream.ToArray();
    }

    private static int HeaderLength(byte[] file) => (int)BinaryPrimitives.ReadUInt64LittleEndian(file);

    private static byte[] FlipHeaderBytes(Random random, byte[] file)
    {
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            file[8 + random.Next(HeaderLength(file))] = (byte)random.Next(256);
        }

        return file;
    }

    private static byte[] FlipAnyBits(Random random, byte[] file)
    {
        file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
        return file;
    }

    private static byte[] ChangeLength(Random random, byte[] file)
    {
        var length = random.Next(4) switch
        {
            0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            1 => (ulong)random.Next(file.Length),
            2 => (ulong)random.Next(100_000_000),
            _ => (ulong)HeaderLength(file) + 1 + (ulong)random.Next(16),
        };
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        return file;
    }

    private static byte[] Truncate(Random random, byte[] file) => file[..random.Next(file.Length)];

    private static byte[] Extend(Random random, byte[] file) => [.. file, .. new byte[random.Next(1, 64)]];

    private static byte[] HugeShape(Random random, byte[] file) => Edit(random, file, (tensor, _) =>
    {
        var shape = new JsonArray();
        for (var i = random.Next(1, 40); i > 0; i--)
        {
            shape.Add(random.Next(3) switch
            {
                0 => JsonValue.Create(long.MaxValue),
                1 => JsonValue.Create(1L << random.Next(62)),
                _ => JsonValue.Create(random.NextDouble() * 1e30),
            });
        }

        tensor["shape"] = shape;
        if (random.Next(2) == 0)
        {
            tensor["data_offsets"] = new JsonArray(0, 1L << random.Next(62));
        }
    });

    private static byte[] SwapOffsets(Random random, byte[] file) => Edit(random, file, (tensor, root) =>
    {
        var other = Pick(random, root);
        var own = tensor["data_offsets"]!.DeepClone();
        tensor["data_offsets"] = random.Next(2) == 0
            ? new JsonArray(own[1]!.DeepClone(), own[0]!.DeepClone())
            : other["data_offsets"]!.DeepClone();
        if (!ReferenceEquals(other, tensor))
        {
            other["data_offsets"] = own;
        }
    });

    private static byte[] ShiftOffsets(Random random, byte[] file) => Edit(random, file, (tensor, _) =>
    {
        var shift = random.Next(-8, 9);
        tensor["data_offsets"] = new JsonArray(
            (long)tensor["data_offsets"]![0]! + shift, (long)tensor["data_offsets"]![1]! + (random.Next(2) * shift));
    });

    private static byte[] DuplicateKey(Random random, byte[] file)
    {
        var header = Encoding.UTF8.GetString(file, 8, HeaderLength(file)).TrimEnd();
        var body = header[1..^1];
        return WithHeader(file, random.Next(3) switch
        {
            0 => "{" + body + "," + body + "}",
            1 => header.Replace("\"dtype\"", "\"dtype\":\"U8\",\"dtype\"", StringComparison.Ordinal),
            _ => "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}," + body + "}",
        });
    }

    private static byte[] NestDeeply(Random random, byte[] file) => Edit(random, file, (tensor, root) =>
    {
        JsonNode nest = new JsonArray();
        for (var i = random.Next(1, 60); i > 0; i--)
        {
            nest = random.Next(2) == 0 ? new JsonArray(nest) : new JsonObject { ["n"] = nest };
        }

        var target = random.Next(2) == 0 ? tensor : root;
        target[random.Next(3) switch { 0 => "shape", 1 => "dtype", _ => "other" }] = nest;
    });

    private static byte[] ChangeDType(Random random, byte[] file) => Edit(random, file, (tensor, _) =>
        tensor["dtype"] = SafetensorsDTypes.All[random.Next(SafetensorsDTypes.All.Count)].FormatName());

    private static byte[] ReplaceValue(Random random, byte[] file)
    {
        string[] values = ["null", "true", "\"\\uD800\"", "-1", "1e400", "[]", "{}", "\"\"", "[null,null]", "[-1,-1]"];
        string[] fields = ["dtype", "shape", "data_offsets"];
        return Edit(random, file, (tensor, _) =>
        {
            var value = values[random.Next(values.Length)];
            tensor[fields[random.Next(fields.Length)]] = JsonNode.Parse(value.Contains('\\') ? "\"marker\"" : value);
        });
    }

    private static JsonObject Pick(Random random, JsonObject root)
    {
        var names = root.Select(entry => entry.Key).Where(name => name != "__metadata__").ToList();
        return root[names[random.Next(names.Count)]]!.AsObject();
    }

    private static byte[] Edit(Random random, byte[] file, Action<JsonObject, JsonObject> change)
    {
        var root = JsonNode.Parse(file.AsSpan(8, HeaderLength(file)))!.AsObject();
        change(Pick(random, root), root);
        return WithHeader(file, root.ToJsonString(new System.Text.Json.JsonSerializerOptions { MaxDepth = 128 })
            .Replace("\"marker\"", "\"\\uD800\"", StringComparison.Ordinal));
    }

    private static byte[] WithHeader(byte[] file, string header) =>
        RawSafetensors.File(Encoding.UTF8.GetBytes(header), file[(8 + HeaderLength(file))..]);
}
