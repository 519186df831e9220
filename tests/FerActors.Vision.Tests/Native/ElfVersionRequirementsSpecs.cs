using System.Buffers.Binary;
using FerActors.Vision.Native;

namespace FerActors.Vision.Tests.Native;

public sealed class ElfVersionRequirementsSpecs
{
    private const int SectionHeaderSize = 64;

    [Fact]
    public void Libraries_versions_and_what_relocations_bind_are_read()
    {
        var elf = ElfVersionRequirements.Parse(new SyntheticElf().Build());

        Assert.Equal(
            [
                ("libc.so.6", "GLIBC_2.14", false, true),
                ("libstdc++.so.6", SyntheticElf.Bindable, false, true),
                ("libstdc++.so.6", SyntheticElf.Loose, false, false),
            ],
            elf.Requirements.Select(r => (r.Library, r.Version, r.IsWeak, r.HasRelocations)));
    }

    [Fact]
    public void A_relocation_binds_a_version_whose_index_has_the_hidden_bit()
    {
        var elf = ElfVersionRequirements.Parse(new SyntheticElf { RelocatedSymbols = [3] }.Build());

        Assert.Equal([false, false, true], elf.Requirements.Select(r => r.HasRelocations));
    }

    [Fact]
    public void Without_versions_of_symbols_nothing_is_bound()
    {
        var elf = ElfVersionRequirements.Parse(new SyntheticElf { HasSymbolVersions = false }.Build());

        Assert.Equal(3, elf.Requirements.Count);
        Assert.DoesNotContain(elf.Requirements, r => r.HasRelocations);
    }

    [Fact]
    public void An_object_without_requirements_has_none()
    {
        Assert.Empty(ElfVersionRequirements.Parse(new SyntheticElf { HasRequirements = false }.Build()).Requirements);
    }

    [Fact]
    public void Weakening_sets_one_bit_of_a_copy()
    {
        var image = new SyntheticElf().Build();
        var untouched = (byte[])image.Clone();
        var elf = ElfVersionRequirements.Parse(image);

        var weakened = elf.Weaken(elf.Requirements[2]);

        Assert.Equal(untouched, image);
        var changed = Assert.Single(Enumerable.Range(0, image.Length), i => image[i] != weakened[i]);
        Assert.Equal(0x2, weakened[changed]);
        Assert.Equal([false, false, true], ElfVersionRequirements.Parse(weakened).Requirements.Select(r => r.IsWeak));
    }

    [Fact]
    public void A_version_that_is_bound_is_not_weakened()
    {
        var elf = ElfVersionRequirements.Parse(new SyntheticElf().Build());

        var error = Assert.Throws<InvalidOperationException>(() => elf.Weaken(elf.Requirements[1]));

        Assert.Contains(SyntheticElf.Bindable, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_requirement_of_another_object_is_refused()
    {
        var elf = ElfVersionRequirements.Parse(new SyntheticElf().Build());

        Assert.Throws<ArgumentException>(() => elf.Weaken(elf.Requirements[2] with { Version = "GLIBCXX_9" }));
    }

    [Theory]
    [InlineData(0, 0x7e, "the magic")]
    [InlineData(4, 1, "32 bits")]
    [InlineData(5, 2, "big endian")]
    public void Other_files_are_refused(int at, byte value, string what)
    {
        var image = new SyntheticElf().Build();
        image[at] = value;

        var error = Assert.Throws<BadImageFormatException>(() => ElfVersionRequirements.Parse(image));

        Assert.True(error.Message.Contains("64-bit little-endian", StringComparison.Ordinal), what);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var image = new SyntheticElf().Build();

        for (var length = 0; length < image.Length; length++)
        {
            Assert.Throws<BadImageFormatException>(() => ElfVersionRequirements.Parse(image[..length]));
        }
    }

    [Theory]
    [InlineData(0x20, 25, "not a whole number of relocations")]
    [InlineData(0x20, 24_000_000, "beyond the file")]
    [InlineData(0x20, int.MaxValue, "beyond the address space")]
    [InlineData(0x18, int.MaxValue - 24, "starts beyond the file")]
    public void A_damaged_table_of_relocations_is_refused_rather_than_read_in_part(int field, int value, string what)
    {
        var builder = new SyntheticElf();
        var image = builder.Build();

        // Section 3: after the null section, the names and the versions of the symbols.
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(builder.SectionTable + (3 * SectionHeaderSize) + field), value);

        var error = Record.Exception(() => ElfVersionRequirements.Parse(image));

        Assert.True(error is BadImageFormatException, $"{what}: {error}");
    }

    [Theory]
    [InlineData(0, 12, 8u, "libraries overlap")]
    [InlineData(32, 28, 0u, "versions stand still")]
    [InlineData(0, 4, 100_000u, "a name beyond the file")]
    [InlineData(0, 8, 0x7fffffffu, "versions beyond the file")]
    public void Damaged_chains_are_refused(int entry, int field, uint value, string what)
    {
        var builder = new SyntheticElf();
        var image = builder.Build();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(builder.Requirements + entry + field), value);

        var error = Record.Exception(() => ElfVersionRequirements.Parse(image));

        Assert.True(error is BadImageFormatException, $"{what}: {error}");
    }

    [Fact]
    public void More_requirements_than_the_file_can_hold_are_refused()
    {
        // One library with the most versions there can be, whose entries overlap those of a thousand others.
        const int libraries = 1000;
        var image = new byte[64 + 128 + (16 * libraries) + (16 * libraries)];
        "\u007fELF\u0002\u0001"u8.CopyTo(image);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(0x28), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3c), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(128 + 4), 0x6ffffffe);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(128 + 0x18), 192);
        for (var i = 0; i < libraries; i++)
        {
            var entry = image.AsSpan(192 + (16 * i));
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], libraries);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], (uint)(16 * (libraries - i)));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], 16);
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(192 + (16 * (libraries + i)) + 12), 16);
        }

        var error = Assert.Throws<BadImageFormatException>(() => ElfVersionRequirements.Parse(image));

        Assert.Contains("more than the file can hold", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_without_an_end_is_refused()
    {
        var builder = new SyntheticElf();
        var image = builder.Build();
        image.AsSpan(64, 20).Fill((byte)'x');
        image = [.. image, .. Enumerable.Repeat((byte)'x', 1000)];

        // The table of names now starts where the zeros end.
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(builder.SectionTable + SectionHeaderSize + 0x18), image.Length - 900);

        Assert.Throws<BadImageFormatException>(() => ElfVersionRequirements.Parse(image));
    }

    [Fact]
    public void Mutated_images_are_read_or_refused_and_nothing_else()
    {
        var builder = new SyntheticElf();
        var image = builder.Build();
        var random = new Random(20240607);
        var refused = 0;
        for (var round = 0; round < 5000; round++)
        {
            var mutated = (byte[])image.Clone();
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                var at = random.Next(mutated.Length);
                mutated[at] = random.Next(3) switch { 0 => 0xff, 1 => (byte)(mutated[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
            }

            var error = Record.Exception(() => ElfVersionRequirements.Parse(mutated));
            Assert.True(error is null or BadImageFormatException, $"Round {round}: {error}");
            refused += error is null ? 0 : 1;
        }

        Assert.InRange(refused, 500, 4900);
    }
}
