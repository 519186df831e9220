using System.Buffers.Binary;
using System.Text;

namespace FerActors.Vision.Tests.Native;

/// <summary>
/// A shared object with nothing in it but what version requirements consist of: names, the version of each dynamic symbol,
/// relocations, and the requirements of two libraries.
/// </summary>
internal sealed class SyntheticElf
{
    public const string Bindable = "GLIBCXX_3.4.30";
    public const string Loose = "GLIBCXX_3.4.32";

    // Symbol 0 is none; each other has the version of the same index plus one.
    private static readonly ushort[] SymbolVersions = [0, 2, 3, 4 | 0x8000];

    private static readonly (string Library, (string Version, ushort Index)[] Versions)[] Libraries =
    [
        ("libc.so.6", [("GLIBC_2.14", 2)]),
        ("libstdc++.so.6", [(Bindable, 3), (Loose, 4)]),
    ];

    private readonly MemoryStream _stream = new();
    private readonly Dictionary<string, uint> _names = [];
    private readonly List<(uint Type, long Offset, long Size, uint Link)> _sections = [(0, 0, 0, 0)];

    /// <summary>Symbols 1 to 3 that relocations refer to; 0 stands for a relocation without a symbol.</summary>
    public uint[] RelocatedSymbols { get; init; } = [0, 1, 2];

    public bool HasSymbolVersions { get; init; } = true;

    public bool HasRequirements { get; init; } = true;

    /// <summary>Where the section header table begins, which is the last part.</summary>
    public int SectionTable { get; private set; }

    /// <summary>Where the requirements begin.</summary>
    public int Requirements { get; private set; }

    /// <summary>Where the relocations begin.</summary>
    public int Relocations { get; private set; }

    public byte[] Build()
    {
        _stream.Write(new byte[64]);
        AddSection(3, 0, WriteNames);
        if (HasSymbolVersions)
        {
            AddSection(0x6fffffff, 9, () => Array.ForEach(SymbolVersions, v => U16(v)));
        }

        Relocations = (int)_stream.Position;
        AddSection(4, 9, WriteRelocations);
        AddSection(4, 8, () => WriteRelocation(3));
        Requirements = (int)_stream.Position;
        if (HasRequirements)
        {
            AddSection(0x6ffffffe, 1, WriteRequirements);
        }

        SectionTable = (int)_stream.Position;
        _sections.ForEach(WriteSectionHeader);
        var image = _stream.ToArray();
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(image);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(0x28), SectionTable);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3a), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3c), (ushort)_sections.Count);
        return image;
    }

    private void AddSection(uint type, uint link, Action write)
    {
        var start = _stream.Position;
        write();
        _sections.Add((type, start, _stream.Position - start, link));
    }

    private void WriteNames()
    {
        var start = _stream.Position;
        _stream.WriteByte(0);
        foreach (var name in Libraries.SelectMany(l => l.Versions.Select(v => v.Version).Prepend(l.Library)))
        {
            _names[name] = (uint)(_stream.Position - start);
            _stream.Write(Encoding.ASCII.GetBytes(name + '\0'));
        }
    }

    private void WriteRelocations() => Array.ForEach(RelocatedSymbols, WriteRelocation);

    private void WriteRelocation(uint symbol)
    {
        U64(0x1000);
        U32(6);
        U32(symbol);
        U64(0);
    }

    private void WriteRequirements()
    {
        for (var l = 0; l < Libraries.Length; l++)
        {
            var (library, versions) = Libraries[l];
            U16(1);
            U16((ushort)versions.Length);
            U32(_names[library]);
            U32(16);
            U32(l == Libraries.Length - 1 ? 0 : (uint)(16 + (16 * versions.Length)));
            for (var v = 0; v < versions.Length; v++)
            {
                U32(0);
                U16(0);
                U16(versions[v].Index);
                U32(_names[versions[v].Version]);
                U32(v == versions.Length - 1 ? 0u : 16u);
            }
        }
    }

    private void WriteSectionHeader((uint Type, long Offset, long Size, uint Link) section)
    {
        U32(0);
        U32(section.Type);
        U64(0);
        U64(0);
        U64(section.Offset);
        U64(section.Size);
        U32(section.Link);
        U32(0);
        U64(8);
        U64(0);
    }

    private void U16(ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        _stream.Write(bytes);
    }

    private void U32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        _stream.Write(bytes);
    }

    private void U64(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _stream.Write(bytes);
    }
}
