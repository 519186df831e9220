namespace FerActors.Vision.Imaging;

/// <summary>A header, and what is wrong with the rest of the file.</summary>
/// <param name="Header">Size and kind are known even where the rest is damaged, so that a size limit is named before damage is.</param>
/// <param name="Damage">A sentence for a person; <see langword="null"/> where the file's structure is whole.</param>
internal readonly record struct HeaderReading(ImageHeader Header, string? Damage);
