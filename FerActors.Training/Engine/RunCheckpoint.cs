using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FerActors.Shared.Files;
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
    /// <summary>The best epoch's weights; the moving average alone.</summary>
    public const string BestFileName = "best.safetensors";

    private const string StateKey = "fer_actors.run_state";
    private const string DigestKey = "fer_actors.sha256";
    private const string BestVector = "average";

    // 4 MiB at a time.
    private const int PieceElements = 1 << 20;

    private readonly string _current;
    private readonly string _previous;
    private readonly string _best;
    private bool _currentIsDamaged;

    /// <param name="folder">The run's folder; it must exist.</param>
    public RunCheckpoint(string folder)
    {
        _current = Path.Combine(folder, "checkpoint.safetensors");
        _previous = Path.Combine(folder, "checkpoint.previous.safetensors");
        _best = Path.Combine(folder, BestFileName);
    }

    /// <summary>Whether there is anything to resume from.</summary>
    public bool Exists => File.Exists(_current) || File.Exists(_previous);

    /// <exception cref="IOException">The disk is full or not writable; the checkpoint before is untouched.</exception>
    public void Save(RunState state, IReadOnlyDictionary<string, Tensor> vectors)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(vectors);
        var folder = Path.GetDirectoryName(Path.GetFullPath(_current))!;
        var written = _current + ".new";
        try
        {
            Write(written, state, vectors);

            // A damaged file must not take the place of the good one that the run was resumed from.
            if (File.Exists(_current) && !_currentIsDamaged)
            {
                File.Move(_current, _previous, overwrite: true);
            }

            File.Move(written, _current, overwrite: true);
            DurableFolder.Flush(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The checkpoint of step {state.Step} could not be written to '{folder}': {e.Message} "
                + "The checkpoint before it is whole; once there is space, the same run continues from there.",
                e);
        }

        _currentIsDamaged = false;
    }

    /// <summary>Writes the best epoch's weights beside the checkpoints, in place of those of the best epoch before.</summary>
    /// <exception cref="IOException">The disk is full or not writable; the file before is untouched.</exception>
    public void SaveBest(RunState state, Tensor average)
    {
        ArgumentNullException.ThrowIfNull(state);
        try
        {
            Write(_best, state, new Dictionary<string, Tensor> { [BestVector] = average });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The best weights (step {state.Step}) could not be written to '{_best}': {e.Message}", e);
        }
    }

    /// <summary>Reads the best epoch's weights.</summary>
    /// <param name="average">fp32 [n]; untouched where the file cannot be used.</param>
    /// <exception cref="SafetensorsFormatException">There is no such file, it is damaged, or it is another model's.</exception>
    public RunState LoadBest(Tensor average)
    {
        try
        {
            return Read(_best, new Dictionary<string, Tensor> { [BestVector] = average });
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            throw new SafetensorsFormatException($"{Path.GetFileName(_best)} cannot be used: {e.Message}", e);
        }
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
        foreach (var (name, vector) in vectors)
        {
            if (!file.Tensors.TryGetValue(name, out var info) || info.DType != SafetensorsDType.F32 || !info.Shape.SequenceEqual(vector.shape))
            {
                throw new SafetensorsFormatException($"Its '{name}' does not fit this run's model.");
            }
        }

        // Checkpoints written before there was a digest have none.
        if (file.Metadata.TryGetValue(DigestKey, out var digest) && digest != Digest(json, vectors, name => Pieces(file, file.Tensors[name])))
        {
            throw new SafetensorsFormatException("Its content does not match its digest.");
        }

        // Read a second time rather than held in memory: for ViT-B/16 the four vectors are 1.4 GB.
        using var noGrad = no_grad();
        foreach (var (name, vector) in vectors)
        {
            var offset = 0L;
            foreach (var piece in Pieces(file, file.Tensors[name]))
            {
                using var values = tensor(MemoryMarshal.Cast<byte, float>(piece.Span).ToArray());
                using var place = vector.narrow(0, offset, values.numel());
                place.copy_(values);
                offset += values.numel();
            }
        }

        return state;
    }

    private static void Write(string path, RunState state, IReadOnlyDictionary<string, Tensor> vectors)
    {
        // The vectors' own memory is written, without a copy where they are on the CPU already.
        var onCpu = vectors.ToDictionary(v => v.Key, v => v.Value.cpu());
        try
        {
            var bytes = onCpu.ToDictionary(v => v.Key, v => (Memory: (ReadOnlyMemory<byte>)new TensorMemory(v.Value).Memory, v.Value.shape));
            var json = state.ToJson();
            SafetensorsWriter.Write(
                path,
                bytes.Select(v => new TensorData(v.Key, SafetensorsDType.F32, v.Value.shape, v.Value.Memory)).ToList(),
                new Dictionary<string, string> { [StateKey] = json, [DigestKey] = Digest(json, vectors, name => [bytes[name].Memory]) });
        }
        finally
        {
            foreach (var (name, copy) in onCpu)
            {
                if (!ReferenceEquals(copy, vectors[name]))
                {
                    copy.Dispose();
                }
            }
        }
    }

    // A tensor's bytes in the order of the file, some at a time; each piece is valid until the next.
    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(SafetensorsFile file, TensorInfo info)
    {
        var buffer = new float[Math.Min(PieceElements, Math.Max(1, info.ElementCount))];
        for (var first = 0L; first < info.ElementCount; first += buffer.Length)
        {
            var length = (int)Math.Min(buffer.Length, info.ElementCount - first);
            file.ReadAsFloat32(info, first, buffer.AsSpan(0, length));
            yield return MemoryMarshal.AsBytes(buffer.AsSpan(0, length)).ToArray();
        }
    }

    // Over the state and, in the order of their names, the vectors with their lengths.
    private static string Digest(
        string json, IReadOnlyDictionary<string, Tensor> vectors, Func<string, IEnumerable<ReadOnlyMemory<byte>>> bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes(json));
        foreach (var (name, vector) in vectors.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            Append(hash, Encoding.UTF8.GetBytes(name));
            AppendLength(hash, vector.numel() * sizeof(float));
            foreach (var piece in bytes(name))
            {
                hash.AppendData(piece.Span);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        AppendLength(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AppendLength(IncrementalHash hash, long value)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, value);
        hash.AppendData(length);
    }

    /// <summary>A CPU tensor's bytes as memory, for as long as the tensor lives.</summary>
    private sealed class TensorMemory(Tensor tensor) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => tensor.bytes;

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("Native memory does not move; use the span.");

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
