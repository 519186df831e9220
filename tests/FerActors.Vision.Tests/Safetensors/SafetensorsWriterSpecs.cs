using System.Buffers.Binary;
using System.Text;
using FerActors.Testing.Files;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Safetensors;

public sealed class SafetensorsWriterSpecs
{
    private static byte[] Written(IReadOnlyList<TensorData> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, metadata);
        return stream.ToArray();
    }

    private static string Header(byte[] file) => Encoding.UTF8.GetString(file, 8, (int)BinaryPrimitives.ReadUInt64LittleEndian(file));

    [Fact]
    public void The_layout_is_the_reference_writers()
    {
        var file = Written(
            [
                new TensorData("u8", SafetensorsDType.U8, [3], new byte[] { 1, 2, 3 }),
                TensorData.FromFloat32("b", [1], [2f]),
                TensorData.FromFloat16("h", [], [1f]),
                TensorData.FromFloat32("a", [1, 1], [1f]),
            ],
            new Dictionary<string, string> { ["z"] = "ü", ["format"] = "pt" });

        var header = Header(file);
        Assert.Equal(
            """{"__metadata__":{"format":"pt","z":"ü"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"h":{"dtype":"F16","shape":[],"data_offsets":[8,10]},"u8":{"dtype":"U8","shape":[3],"data_offsets":[10,13]}}""",
            header.TrimEnd(' '));
        Assert.Equal(0, Encoding.UTF8.GetByteCount(header) % 8);
        Assert.Equal(new byte[] { 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0x3C, 1, 2, 3 }, file[^13..]);
    }

    [Fact]
    public void The_bytes_do_not_depend_on_the_order_of_the_tensors()
    {
        TensorData[] tensors =
        [
            TensorData.FromFloat32("x", [2], [1, 2]),
            TensorData.FromFloat32("é", [1], [3]),
            TensorData.FromBFloat16("a", [1], [4]),
            new("n", SafetensorsDType.I64, [1], new byte[8]),
        ];
        Assert.Equal(Written(tensors), Written([.. tensors.Reverse()]));
    }

    [Fact]
    public void Every_element_type_survives_writing_and_reading()
    {
        TensorData[] tensors = [.. SafetensorsDTypes.All.Select(
            dtype => new TensorData(
                dtype.FormatName(), dtype, [4, 2], Enumerable.Range(0, dtype.BitSize()).Select(i => (byte)i).ToArray()))];

        using var file = SafetensorsFile.Open(Written(tensors));

        Assert.Equal(tensors.Length, file.Tensors.Count);
        foreach (var tensor in tensors)
        {
            var info = file.Tensors[tensor.Name];
            var bytes = new byte[info.ByteLength];
            file.Read(info, bytes);
            Assert.Equal(tensor.DType, info.DType);
            Assert.Equal(tensor.Shape, info.Shape);
            Assert.Equal(tensor.Bytes.ToArray(), bytes);
            Assert.Equal(0, info.Begin * 8 % Math.Max(8, tensor.DType.BitSize()));
        }
    }

    [Fact]
    public void Names_and_metadata_of_any_script_survive()
    {
        var metadata = new Dictionary<string, string> { ["quote\"\\"] = "line\nbreak \u0001 😀" };
        using var file = SafetensorsFile.Open(Written([TensorData.FromFloat32("слой.\"0\"/😀", [0], [])], metadata));
        Assert.Equal("слой.\"0\"/😀", Assert.Single(file.Tensors).Key);
        Assert.Equal(metadata, file.Metadata);
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)]  // halfway: down to the even neighbour
    [InlineData(1.01171875f, 0x3F82)]  // halfway: up to the even neighbour
    [InlineData(1.00391f, 0x3F81)]
    [InlineData(-0f, 0x8000)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    public void BFloat16_is_rounded_to_nearest_even(float value, int expected) =>
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16LittleEndian(TensorData.FromBFloat16("t", [1], [value]).Bytes.Span));

    [Fact]
    public void A_NaN_stays_a_NaN_in_bfloat16()
    {
        var onlyLowBits = BitConverter.UInt32BitsToSingle(0x7F80_0001);
        using var file = SafetensorsFile.Open(Written([TensorData.FromBFloat16("t", [1], [onlyLowBits])]));
        Assert.True(float.IsNaN(file.ReadAsFloat32("t")[0]));
    }

    [Theory]
    [InlineData(2049f, 0x6800)] // halfway between 2048 and 2050: the even one
    [InlineData(2051f, 0x6802)]
    [InlineData(70000f, 0x7C00)]
    public void Half_is_rounded_to_nearest_even(float value, int expected) =>
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16LittleEndian(TensorData.FromFloat16("t", [1], [value]).Bytes.Span));

    public static TheoryData<TensorData[], string> Unwritable => new()
    {
        { [new("t", SafetensorsDType.F32, [2], new byte[4])], "does not fit its 4 bytes" },
        { [new("t", SafetensorsDType.F4, [3], new byte[1])], "does not fit" },
        { [new("t", SafetensorsDType.U8, [-1], new byte[1])], "negative" },
        { [new("t", SafetensorsDType.U8, new long[33], Array.Empty<byte>())], "more than 32" },
        { [new("t", SafetensorsDType.U8, [0], default), new("t", SafetensorsDType.U8, [0], default)], "Two tensors" },
        { [new("__metadata__", SafetensorsDType.U8, [0], default)], "__metadata__" },
        { [new(new string('n', 1000), SafetensorsDType.U8, [0], default)], "longer than" },
    };

    [Theory]
    [MemberData(nameof(Unwritable))]
    public void Tensors_that_make_no_valid_file_are_refused(TensorData[] tensors, string expected) =>
        Assert.Contains(expected, Assert.ThrowsAny<ArgumentException>(() => Written(tensors)).Message, StringComparison.Ordinal);

    [Fact]
    public void Half_a_surrogate_pair_in_a_name_is_refused() =>
        Assert.ThrowsAny<ArgumentException>(() => Written([new TensorData("\uD800", SafetensorsDType.U8, [0], default)]));

    [Fact]
    public void Too_many_or_too_long_metadata_entries_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Written([], Enumerable.Range(0, 10_001).ToDictionary(i => $"{i}", _ => "")));
        Assert.Throws<ArgumentException>(() => Written([], new Dictionary<string, string> { [new string('k', 5000)] = "" }));
    }

    [Fact]
    public void A_file_is_replaced_as_a_whole_and_no_temporary_file_stays()
    {
        using var folder = new TemporaryFolder();
        var path = folder.PathOf("m.safetensors");
        SafetensorsWriter.Write(path, [TensorData.FromFloat32("old", [1], [1])]);
        SafetensorsWriter.Write(path, [TensorData.FromFloat32("new", [1], [2])]);

        using var file = SafetensorsFile.Open(path);
        Assert.Equal("new", Assert.Single(file.Tensors).Key);
        Assert.Equal([path], Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_failed_write_leaves_what_was_there()
    {
        using var folder = new TemporaryFolder();
        var occupied = folder.PathOf("occupied");
        Directory.CreateDirectory(Path.Combine(occupied, "child"));

        Assert.ThrowsAny<SystemException>(() => SafetensorsWriter.Write(occupied, [TensorData.FromFloat32("t", [1], [1])]));

        Assert.Empty(Directory.GetFiles(folder.Root));
        Assert.True(Directory.Exists(Path.Combine(occupied, "child")));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(Path.GetPathRoot(folder.Root)!, []));
    }
}
