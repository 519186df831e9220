using System.Buffers.Binary;
using System.Text;

namespace FerActors.Vision.Native;

/// <summary>
/// Reads and relaxes the symbol-version requirements (<c>.gnu.version_r</c>) of a 64-bit little-endian ELF shared object.
/// </summary>
/// <remarks>
/// Layout after the System V ABI and the "Symbol Versioning" chapter of the Linux Standard Base: an <c>Elf64_Verneed</c> for each
/// needed library, followed by one <c>Elf64_Vernaux</c> for each version. The dynamic linker refuses to load an object when a
/// needed version is not defined, unless the entry carries <c>VER_FLG_WEAK</c>; then it goes on, and only symbols that are really
/// bound to that version could fail.
/// </remarks>
internal sealed class ElfVersionRequirements
{
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const uint SectionRela = 4;
    private const uint SectionVersionNeeded = 0x6ffffffe;
    private const uint SectionVersionSymbols = 0x6fffffff;
    private const ushort FlagWeak = 0x2;
    private const ushort VersionIndexMask = 0x7fff;
    private const int RelocationSize = 24;
    private const int EntrySize = 16;
    private const int MaxNameLength = 255;

    private readonly byte[] _image;
    private readonly List<Requirement> _requirements = [];
    private readonly HashSet<ushort> _boundVersions = [];

    private ElfVersionRequirements(byte[] image) => _image = image;

    /// <summary>One version that the object needs of one library.</summary>
    /// <param name="Library">The library's file name, for example <c>libstdc++.so.6</c>.</param>
    /// <param name="Version">The version's name, for example <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="IsWeak">The dynamic linker tolerates its absence.</param>
    /// <param name="HasRelocations">At least one relocation binds a symbol of this version, so that relaxing it would be wrong.</param>
    public sealed record Requirement(string Library, string Version, bool IsWeak, bool HasRelocations)
    {
        internal int FlagsOffset { get; init; }
    }

    public IReadOnlyList<Requirement> Requirements => _requirements;

    /// <exception cref="BadImageFormatException">The bytes are not such an object, or their tables point outside of it.</exception>
    public static ElfVersionRequirements Parse(byte[] image)
    {
        ArgumentNullException.ThrowIfNull(image);
        try
        {
            var elf = new ElfVersionRequirements(image);
            elf.Read();
            return elf;
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or OverflowException or IndexOutOfRangeException)
        {
            throw new BadImageFormatException("The shared object's tables point outside of the file.", e);
        }
    }

    /// <summary>Returns a copy of the object in which the requirement is weak.</summary>
    /// <exception cref="ArgumentException">The requirement is not one of this object's.</exception>
    /// <exception cref="InvalidOperationException">A relocation binds a symbol of that version: the object truly needs it.</exception>
    public byte[] Weaken(Requirement requirement)
    {
        ArgumentNullException.ThrowIfNull(requirement);
        if (!_requirements.Contains(requirement))
        {
            throw new ArgumentException("The requirement is not one of this object's.", nameof(requirement));
        }

        if (requirement.HasRelocations)
        {
            throw new InvalidOperationException($"Symbols of {requirement.Version} are bound by relocations; the library truly needs it.");
        }

        var copy = (byte[])_image.Clone();
        var flags = copy.AsSpan(requirement.FlagsOffset, 2);
        BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | FlagWeak));
        return copy;
    }

    private void Read()
    {
        if (_image.Length < HeaderSize || !_image.AsSpan(0, 4).SequenceEqual("\u007fELF"u8) || _image[4] != 2 || _image[5] != 1)
        {
            throw new BadImageFormatException("The file is not a 64-bit little-endian ELF object.");
        }

        var tableOffset = U64(0x28);
        var count = U16(0x3c);
        if (checked(tableOffset + (count * SectionHeaderSize)) > _image.Length)
        {
            throw new BadImageFormatException("The shared object's section table reaches beyond the file.");
        }

        var sections = new Section[count];
        for (var i = 0; i < count; i++)
        {
            var at = checked(tableOffset + (i * SectionHeaderSize));
            sections[i] = new Section(U32(at + 4), U64(at + 0x18), U64(at + 0x20), (int)U32(at + 0x28));
        }

        var needed = Array.Find(sections, s => s.Type == SectionVersionNeeded);
        if (needed is null)
        {
            return;
        }

        ReadBoundVersions(sections);
        ReadRequirements(needed, sections[needed.Link]);
    }

    // A version index counts as bound when any relocation refers to a dynamic symbol that carries it.
    private void ReadBoundVersions(Section[] sections)
    {
        var versions = Array.Find(sections, s => s.Type == SectionVersionSymbols);
        if (versions is null)
        {
            return;
        }

        foreach (var rela in sections.Where(s => s.Type == SectionRela && s.Link == versions.Link))
        {
            // Whole or not at all: a relocation that is overlooked could be the one that binds.
            if (rela.Size % RelocationSize != 0 || checked(rela.Offset + rela.Size) > _image.Length)
            {
                throw new BadImageFormatException("A relocation table is damaged.");
            }

            for (var at = rela.Offset; at < rela.Offset + rela.Size; at += RelocationSize)
            {
                var symbol = U32(at + 12);
                if (symbol != 0)
                {
                    _boundVersions.Add((ushort)(U16(checked(versions.Offset + ((int)symbol * 2))) & VersionIndexMask));
                }
            }
        }
    }

    private void ReadRequirements(Section needed, Section strings)
    {
        for (var at = needed.Offset; ;)
        {
            var count = U16(at + 2);
            var library = Text(strings, U32(at + 4));
            var auxiliary = checked(at + (int)U32(at + 8));
            for (var i = 0; i < count; i++)
            {
                // Chained entries that overlap could make a small file ask for any amount of memory.
                if (_requirements.Count >= _image.Length / EntrySize)
                {
                    throw new BadImageFormatException("The version requirements are more than the file can hold.");
                }

                _requirements.Add(new Requirement(
                    library,
                    Text(strings, U32(auxiliary + 8)),
                    (U16(auxiliary + 4) & FlagWeak) != 0,
                    _boundVersions.Contains((ushort)(U16(auxiliary + 6) & VersionIndexMask)))
                { FlagsOffset = auxiliary + 4 });
                auxiliary = Following(auxiliary, U32(auxiliary + 12), isLast: i == count - 1);
            }

            var next = U32(at + 12);
            if (next == 0)
            {
                return;
            }

            at = Following(at, next, isLast: false);
        }
    }

    private static int Following(int at, uint distance, bool isLast) => isLast || distance >= EntrySize
        ? checked(at + (int)distance)
        : throw new BadImageFormatException("The version requirements overlap.");

    private string Text(Section strings, uint offset)
    {
        var tail = _image.AsSpan(checked(strings.Offset + (int)offset));
        var length = tail[..Math.Min(tail.Length, MaxNameLength)].IndexOf((byte)0);
        return length >= 0
            ? Encoding.ASCII.GetString(tail[..length])
            : throw new BadImageFormatException("A name in the shared object has no end.");
    }

    private ushort U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_image.AsSpan(offset, 2));

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_image.AsSpan(offset, 4));

    private int U64(int offset) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_image.AsSpan(offset, 8)));

    private sealed record Section(uint Type, int Offset, int Size, int Link);
}
