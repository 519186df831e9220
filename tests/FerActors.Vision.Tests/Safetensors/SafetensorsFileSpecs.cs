using System.Buffers.Binary;
using System.Text;
using FerActors.Testing.Files;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Safetensors;

public sealed class SafetensorsFileSpecs
{
    [Fact]
    public void Metadata_that_are_null_are_none_as_for_the_reference_reader()
    {
        using var file = SafetensorsFile.Open(RawSafetensors.File("""{"__metadata__":null}"""));

        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void A_file_of_the_reference_layout_is_read()
    {
        const string header =
            """{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}     """;
        byte[] data = [0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0, 7, 8, 9];

        using var file = SafetensorsFile.Open(RawSafetensors.File(Encoding.UTF8.GetBytes(header), data));

        Assert.Equal("pt", Assert.Single(file.Metadata, entry => entry.Key == "format").Value);
        Assert.Equal(["a", "b"], file.Tensors.Keys.Order());
        Assert.Equal([2L, 1L], file.Tensors["b"].Shape);
        Assert.Equal(2, file.Tensors["b"].ElementCount);
        Assert.Equal([1f, -2.5f], file.ReadAsFloat32("b"));
        var bytes = new byte[3];
        file.Read(file.Tensors["a"], bytes);
        Assert.Equal([7, 8, 9], bytes);
    }

    [Fact]
    public void A_file_without_tensors_is_legal()
    {
        using var file = SafetensorsFile.Open(RawSafetensors.File("{}"));
        Assert.Empty(file.Tensors);
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void Scalars_and_sizes_of_zero_are_legal()
    {
        const string header =
            """{"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"z":{"dtype":"F32","shape":[4,0,9223372036854775807],"data_offsets":[8,8]}}""";
        using var file = SafetensorsFile.Open(RawSafetensors.File(header, 8));
        Assert.Equal(1, file.Tensors["s"].ElementCount);
        Assert.Equal([0f], file.ReadAsFloat32("s"));
        Assert.Equal(0, file.Tensors["z"].ElementCount);
        Assert.Empty(file.ReadAsFloat32("z"));
    }

    [Fact]
    public void Unknown_fields_of_a_tensor_are_passed_over()
    {
        using var file = SafetensorsFile.Open(RawSafetensors.File(
            """{"t":{"dtype":"U8","extra":{"deep":[1,{"x":null}]},"shape":[1],"data_offsets":[0,1]}}""", 1));
        Assert.Equal(1, file.Tensors["t"].ElementCount);
    }

    [Theory]
    [InlineData("F4", "[2]", 1)]
    [InlineData("F6_E2M3", "[4]", 3)]
    [InlineData("F6_E3M2", "[2,2]", 3)]
    [InlineData("BOOL", "[3]", 3)]
    [InlineData("F8_E8M0", "[3]", 3)]
    [InlineData("C64", "[2]", 16)]
    [InlineData("BF16", "[5]", 10)]
    public void A_tensor_takes_its_elements_times_their_bits(string dtype, string shape, int bytes)
    {
        var header = $$$"""{"t":{"dtype":"{{{dtype}}}","shape":{{{shape}}},"data_offsets":[0,{{{bytes}}}]}}""";
        using var file = SafetensorsFile.Open(RawSafetensors.File(header, bytes));
        Assert.Equal(bytes, file.Tensors["t"].ByteLength);
        Assert.Equal(dtype, file.Tensors["t"].DType.FormatName());
    }

    public static TheoryData<string, int, string> BrokenHeaders => new()
    {
        { "", 0, "does not start with '{'" },
        { " {}", 0, "does not start with '{'" },
        { "[]", 0, "does not start with '{'" },
        { "{", 0, "not valid JSON" },
        { "{} x", 0, "not valid JSON" },
        { "{}{}", 0, "not valid JSON" },
        { """{"t":1,}""", 0, "not described by an object" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],}}""", 1, "not valid JSON" },
        { """{"\uD800":{}}""", 0, "no character" },
        { """{"t":{"dtype":"\uDC00"}}""", 0, "'t'" },
        { """{"t":{"sh\uD800pe":[1]}}""", 0, "'t' has an escape sequence that is no character" },
        { """{"t":{"shape":[1],"data_offsets":[0,1]}}""", 1, "'t' has no dtype" },
        { """{"t":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "'t' has no shape" },
        { """{"t":{"dtype":"U8","shape":[1]}}""", 1, "'t' has no data_offsets" },
        { """{"t":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "'t' has the field dtype twice" },
        { """{"t":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""", 1, "'t' has the field shape twice" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}""", 1, "'t' has the field data_offsets twice" },
        { """{"t":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}}""", 1, "unknown dtype 'U9'" },
        { """{"t":{"dtype":"u8","shape":[1],"data_offsets":[0,1]}}""", 1, "unknown dtype 'u8'" },
        { """{"t":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}""", 1, "dtype of tensor 't' is not a string" },
        { """{"t":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""", 1, "shape of tensor 't' is not a list" },
        { """{"t":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1, "shape of tensor 't'" },
        { """{"t":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", 1, "shape of tensor 't'" },
        { """{"t":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}""", 1, "shape of tensor 't'" },
        { """{"t":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}}""", 1, "shape of tensor 't'" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1, "data_offsets of tensor 't' are not two" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, "data_offsets of tensor 't' has more than 2" },
        { """{"t":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}""", 1, "'t' ends at 0, before its begin at 1" },
        { """{"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,1]}}""", 1, "size of tensor 't'" },
        { """{"t":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,0]}}""", 0, "size of tensor 't'" },
        { """{"t":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}""", 1, "does not fill whole bytes" },
        { """{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "needs 8 bytes, but its data_offsets span 4" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 2, "the file holds 2 bytes" },
        { """{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 1, "the file holds 1 bytes" },
        { "{}", 1, "the file holds 1 bytes" },
        { """{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'t' leaves a hole" },
        {
            """{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"u":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3,
            "'u' overlaps"
        },
        {
            """{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2,
            "tensor 't' twice"
        },
        { """{"__metadata__":{},"__metadata__":{}}""", 0, "__metadata__ twice" },
        { """{"__metadata__":null,"__metadata__":null}""", 0, "__metadata__ twice" },
        { """{"__metadata__":[]}""", 0, "__metadata__ is neither an object nor null" },
        { """{"__metadata__":{"k":null}}""", 0, "maps 'k' to something that is not a string" },
        { """{"a":null}""", 0, "'a' is not described by an object" },
        { """{"__metadata__":{"k":1}}""", 0, "maps 'k' to something that is not a string" },
        { """{"__metadata__":{"k":"1","k":"1"}}""", 0, "has the key 'k' twice" },
        { """{"t":{"x":[[[[[[[[1]]]]]]]]}}""", 0, "not valid JSON" },
    };

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void A_header_that_breaks_a_rule_is_refused_and_the_rule_named(string header, int dataBytes, string expected)
    {
        var error = Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(RawSafetensors.File(header, dataBytes)));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused()
    {
        byte[] header = [.. "{\""u8, 0xC3, 0x28, .. "\":{}}"u8];
        var error = Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(RawSafetensors.File(header, [])));
        Assert.Contains("UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_too_short_for_its_length_field_is_refused() =>
        Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(new byte[7]));

    [Theory]
    [InlineData(ulong.MaxValue, "over the format's limit")]
    [InlineData(100_000_001UL, "over the format's limit")]
    [InlineData(100_000_000UL, "the file ends after")]
    [InlineData(3UL, "the file ends after")]
    public void A_header_longer_than_allowed_or_than_the_file_is_refused_before_it_is_read(ulong claimed, string expected)
    {
        var bytes = RawSafetensors.File("{}"u8.ToArray(), [], claimed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bounds_on_rank_count_and_names_are_kept()
    {
        var rank = string.Join(",", Enumerable.Repeat("1", SafetensorsLimits.Rank + 1));
        Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(RawSafetensors.File(
            $$$"""{"t":{"dtype":"U8","shape":[{{{rank}}}],"data_offsets":[0,1]}}""", 1)));

        var name = new string('n', SafetensorsLimits.NameBytes + 1);
        Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(RawSafetensors.File(
            $$$"""{"{{{name}}}":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1)));

        var many = string.Join(",", Enumerable.Range(0, SafetensorsLimits.Tensors + 1)
            .Select(i => $$$"""{"{{{i}}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"""[1..^1]));
        Assert.Contains("more than 100000 tensors", Assert.Throws<SafetensorsFormatException>(
            () => SafetensorsFile.Open(RawSafetensors.File("{" + many + "}"))).Message, StringComparison.Ordinal);

        var entries = string.Join(",", Enumerable.Range(0, SafetensorsLimits.MetadataEntries + 1).Select(i => $"\"{i}\":\"\""));
        Assert.Contains("more than 10000 entries", Assert.Throws<SafetensorsFormatException>(
            () => SafetensorsFile.Open(RawSafetensors.File("{\"__metadata__\":{" + entries + "}}"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_show_hostile_names_short_and_without_control_characters()
    {
        var name = new string('n', 3000);
        var error = Assert.Throws<SafetensorsFormatException>(
            () => SafetensorsFile.Open(RawSafetensors.File($$$"""{"\u001b[2J\n{{{name}}}":{}}""")));
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.InRange(error.Message.Length, 1, 200);
    }

    [Fact]
    public void Half_bfloat16_and_double_are_converted()
    {
        const string header = """
            {"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[6,12]},"d":{"dtype":"F64","shape":[2],"data_offsets":[12,28]}}
            """;
        var data = new byte[28];
        ushort[] words = [0x3C00, 0xC100, 0x7C00, 0x3F80, 0xC020, 0x7F80];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2 * i), words[i]);
        }

        BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(12), 0.1);
        BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(20), -1e300);

        using var file = SafetensorsFile.Open(RawSafetensors.File(Encoding.UTF8.GetBytes(header), data));

        Assert.Equal([1f, -2.5f, float.PositiveInfinity], file.ReadAsFloat32("h"));
        Assert.Equal([1f, -2.5f, float.PositiveInfinity], file.ReadAsFloat32("b"));
        Assert.Equal([0.1f, float.NegativeInfinity], file.ReadAsFloat32("d"));
    }

    [Fact]
    public void A_long_tensor_is_converted_in_pieces_without_a_seam()
    {
        var values = Enumerable.Range(0, 100_003).Select(i => i * 0.25f).ToArray();
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [TensorData.FromBFloat16("t", [values.Length], values)]);
        using var file = SafetensorsFile.Open(stream.ToArray());

        var read = file.ReadAsFloat32("t");

        // 100,003 quarters need up to 17 bits; bfloat16 keeps 8 of them.
        Assert.Equal(values.Length, read.Length);
        Assert.All(values.Zip(read), pair => Assert.InRange(pair.Second, pair.First * (1 - (1f / 256)), pair.First * (1 + (1f / 256))));
    }

    [Fact]
    public void A_run_of_elements_is_read_from_the_middle()
    {
        float[] values = [0, 1, 2, 3, 4, 5];
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [TensorData.FromFloat32("f", [3, 2], values), TensorData.FromFloat16("h", [6], values)]);
        using var file = SafetensorsFile.Open(stream.ToArray());

        foreach (var name in new[] { "f", "h" })
        {
            var run = new float[2];
            file.ReadAsFloat32(file.Tensors[name], 2, run);
            Assert.Equal([2f, 3f], run);
            Assert.Throws<ArgumentException>(() => file.ReadAsFloat32(file.Tensors[name], 5, new float[2]));
            Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadAsFloat32(file.Tensors[name], -1, new float[2]));
        }
    }

    [Fact]
    public void Integers_are_not_read_as_floats()
    {
        using var file = SafetensorsFile.Open(RawSafetensors.File("""{"i":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}""", 4));
        Assert.Contains("I32", Assert.Throws<NotSupportedException>(() => file.ReadAsFloat32("i")).Message, StringComparison.Ordinal);
        Assert.Throws<KeyNotFoundException>(() => file.ReadAsFloat32("absent"));
    }

    [Fact]
    public void A_tensor_of_another_file_or_a_wrong_destination_is_refused()
    {
        var bytes = RawSafetensors.File("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4);
        using var file = SafetensorsFile.Open(bytes);
        using var other = SafetensorsFile.Open(bytes);
        Assert.Throws<ArgumentException>(() => file.Read(other.Tensors["t"], new byte[4]));
        Assert.Throws<ArgumentException>(() => file.Read(file.Tensors["t"], new byte[5]));
    }

    [Fact]
    public void A_file_on_disk_is_opened_without_reading_its_tensors()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf("big.safetensors");
        const long dataBytes = 1L << 32;
        var header = Encoding.UTF8.GetBytes($$$"""{"t":{"dtype":"F32","shape":[1073741824],"data_offsets":[0,{{{dataBytes}}}]}}""");
        using (var stream = File.Create(path))
        {
            stream.Write(RawSafetensors.File(header, []));
            // Sparse: the file claims 4 GiB and takes a few blocks.
            stream.SetLength(8 + header.Length + dataBytes);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = SafetensorsFile.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        var tail = new float[] { 1, 1 };
        file.ReadAsFloat32(file.Tensors["t"], (dataBytes / 4) - 2, tail);
        Assert.Equal([0f, 0f], tail);
    }

    [Fact]
    public void A_file_cut_while_open_gives_an_IO_error()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf("cut.safetensors");
        SafetensorsWriter.Write(path, [TensorData.FromFloat32("t", [1024], new float[1024])]);
        using var file = SafetensorsFile.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            other.SetLength(100);
        }

        Assert.Throws<EndOfStreamException>(() => file.ReadAsFloat32("t"));
    }

    [Fact]
    public void An_absent_or_broken_file_leaves_no_handle_open()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(folder.PathOf("absent")));
        var path = folder.PathOf("broken");
        File.WriteAllBytes(path, new byte[20]);
        Assert.Throws<SafetensorsFormatException>(() => SafetensorsFile.Open(path));
        using var exclusive = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(20, exclusive.Length);
    }
}
