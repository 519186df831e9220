using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Writes and reads a run's checkpoint: one safetensors file with the four vectors and the <see cref="RunState"/> as metadata.</summary>
/// <remarks>
/// The newest file replaces its predecessor only after it is whole on disk, and the predecessor is kept beside it. A file that was
/// cut short breaks the format's own length rule, one with a flipped bit does not match its digest; in either case the one before
/// is used.
/// </remarks>
public sealed class RunCheckpoint
{
    private const string StateKey = "fer_actors.run_state";
    private const string DigestKey = "fer_actors.sha256";

    private readonly string _current;
    private readonly string _previous;
    private bool _currentIsDamaged;

    /// <param name="folder">The run's folder; it must exist.</param>
    public RunCheckpoint(string folder)
    {
        _current = Path.Combine(folder, "checkpoint.safetensors");
        _previous = Path.Combine(folder, "checkpoint.previous.safetensors");
    }

    /// <summary>Whether there is anything to resume from.</summary>
    public bool Exists => File.Exists(_current) || File.Exists(_previous);

    /// <exception cref="IOException">The disk is full or not writable; the checkpoint before is untouched.</exception>
    public void Save(RunState state, IReadOnlyDictionary<string, Tensor> vectors)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(vectors);
        var written = _current + ".new";
        var json = state.ToJson();
        var values = vectors.ToDictionary(v => v.Key, v => Values(v.Value));
        SafetensorsWriter.Write(
            written,
            values.Select(v => TensorData.FromFloat32(v.Key, vectors[v.Key].shape, v.Value)).ToList(),
            new Dictionary<string, string> { [StateKey] = json, [DigestKey] = Digest(json, values) });

        // A damaged file must not take the place of the good one that the run was resumed from.
        if (File.Exists(_current) && !_currentIsDamaged)
        {
            File.Move(_current, _previous, overwrite: true);
        }

        File.Move(written, _current, overwrite: true);
        _currentIsDamaged = false;
    }

    /// <summary>Reads the newest whole checkpoint into the vectors.</summary>
    /// <returns>The state, and a sentence where a damaged file had to be passed over.</returns>
    /// <exception cref="SafetensorsFormatException">
    /// No whole checkpoint is left, or it belongs to another model; the message has the reason for each file. The vectors are
    /// untouched.
    /// </exception>
    public (RunState State, string? Warning) Load(IReadOnlyDictionary<string, Tensor> vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        var failures = new List<(string Name, Exception Error)>();
        foreach (var path in new[] { _current, _previous }.Where(File.Exists))
        {
            try
            {
                var state = Read(path, vectors);
                _currentIsDamaged = failures.Count > 0;
                return (state, failures.Count == 0 ? null : $"{Describe(failures)} The checkpoint before is used.");
            }
            catch (Exception e) when (e is SafetensorsFormatException or JsonException or IOException)
            {
                failures.Add((Path.GetFileName(path), e));
            }
        }

        throw failures.Count == 0
            ? new SafetensorsFormatException($"There is no checkpoint in {Path.GetDirectoryName(_current)}.")
            : new SafetensorsFormatException($"No checkpoint in {Path.GetDirectoryName(_current)} can be used. {Describe(failures)}", failures[0].Error);
    }

    private static string Describe(List<(string Name, Exception Error)> failures) =>
        string.Join(" ", failures.Select(f => $"{f.Name} cannot be used: {f.Error.Message}"));

    private static RunState Read(string path, IReadOnlyDictionary<string, Tensor> vectors)
    {
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(StateKey, out var json))
        {
            throw new SafetensorsFormatException("It is no checkpoint of a training run.");
        }

        var state = RunState.FromJson(json);
        var values = new Dictionary<string, float[]>();
        foreach (var (name, vector) in vectors)
        {
            if (!file.Tensors.TryGetValue(name, out var info) || info.DType != SafetensorsDType.F32 || !info.Shape.SequenceEqual(vector.shape))
            {
                throw new SafetensorsFormatException($"Its '{name}' does not fit this run's model.");
            }

            values[name] = file.ReadAsFloat32(name);
        }

        // Checkpoints written before there was a digest have none.
        if (file.Metadata.TryGetValue(DigestKey, out var digest) && digest != Digest(json, values))
        {
            throw new SafetensorsFormatException("Its content does not match its digest.");
        }

        using var noGrad = no_grad();
        foreach (var (name, vector) in vectors)
        {
            using var loaded = tensor(values[name]);
            vector.copy_(loaded);
        }

        return state;
    }

    // Over the state and, in the order of their names, the vectors with their lengths.
    private static string Digest(string json, Dictionary<string, float[]> values)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes(json));
        foreach (var (name, vector) in values.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            Append(hash, Encoding.UTF8.GetBytes(name));
            Append(hash, MemoryMarshal.AsBytes<float>(vector));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }

    private static float[] Values(Tensor vector)
    {
        using var cpu = vector.cpu();
        return cpu.data<float>().ToArray();
    }
}
