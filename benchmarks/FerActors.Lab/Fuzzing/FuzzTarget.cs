namespace FerActors.Lab.Fuzzing;

/// <summary>Something that reads what strangers send.</summary>
/// <param name="Name">One word.</param>
/// <param name="Reads">What it reads, for the table.</param>
/// <param name="Refusal">Its documented error, for the table.</param>
/// <param name="Seeds">Inputs that it accepts; mutations start from them.</param>
/// <param name="Accepts">Reads an input; <see langword="false"/> where it refused it with an answer instead of an exception.</param>
/// <param name="IsRefusal">Whether an exception is the documented error.</param>
internal sealed record FuzzTarget(
    string Name, string Reads, string Refusal, IReadOnlyList<byte[]> Seeds, Func<byte[], bool> Accepts, Func<Exception, bool> IsRefusal);
