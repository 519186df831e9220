using FerActors.Shared.Files;

namespace FerActors.Shared.Options;

/// <summary>Whether a node of the role <c>inference</c> keeps the images that it answered, where, and for how long. It keeps none unless told to.</summary>
public sealed record RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>Length of a key, in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>Write images to the disk. Off by default: then none is ever written.</summary>
    public bool Enabled { get; init; }

    /// <summary>Holds one file for each image.</summary>
    public string Folder { get; init; } = "data/retained";

    /// <summary>An image is deleted when it is older; 1 minute to 3,650 days.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes of all images, 1 MiB to 10 TiB; the oldest are deleted beyond it.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>Share of the images with faces that is kept, above 0 to 1; which ones follows from their ids.</summary>
    public double Share { get; init; } = 1;

    /// <summary>A file with the key, 32 bytes in base64, by which images are encrypted. Without a key they are not.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The key itself, from the environment. <see cref="KeyFile"/> is better.</summary>
    [SecretOption]
    public string? Key { get; init; }

    /// <summary>All mistakes at once, each a sentence that shows nothing of a key; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(Folder), nameof(Folder), Folder, "a folder");
        errors.Check(KeepFor >= TimeSpan.FromMinutes(1) && KeepFor <= TimeSpan.FromDays(3650), nameof(KeepFor), KeepFor, "from 1 minute to 3650 days");
        errors.Check(MaxBytes is >= 1 << 20 and <= 10L << 40, nameof(MaxBytes), MaxBytes, "from 1048576 to 10995116277760");
        errors.Check(Share is > 0 and <= 1, nameof(Share), Share, "above 0 and at most 1");
        errors.Check(Key is null || KeyFile is null, nameof(KeyFile), KeyFile, "absent where Key is given");
        errors.Check(Key is null || Parse(Key) is not null, nameof(Key), "(not shown)", $"{KeyBytes} bytes in base64");
        errors.Check(KeyFile is null || File.Exists(KeyFile), nameof(KeyFile), KeyFile, "a file that exists");
        return errors.All;
    }

    /// <summary>The key in force; <see langword="null"/> where images are not encrypted.</summary>
    /// <exception cref="FormatException">The file holds no key; the message shows nothing of it.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public byte[]? ReadKey()
    {
        if ((Key ?? (KeyFile is null ? null : RegularFile.ReadAllText(KeyFile).Trim())) is not { } text)
        {
            return null;
        }

        return Parse(text) ?? throw new FormatException($"{Section}: the key is not {KeyBytes} bytes in base64; 'openssl rand -base64 32' makes one.");
    }

    // A record would print the key.
    public override string ToString() => Enabled ? $"images kept in {Folder} for {KeepFor}" : "no image is kept";

    private static byte[]? Parse(string text)
    {
        var key = new byte[KeyBytes + 1];
        return Convert.TryFromBase64String(text, key, out var length) && length == KeyBytes ? key[..KeyBytes] : null;
    }
}
