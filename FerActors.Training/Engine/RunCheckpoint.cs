using System.Runtime.InteropServices;
using System.Text.Json;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Writes and reads a run's checkpoint: one safetensors file with the four vectors and the <see cref="RunState"/> as metadata.</summary>
/// <remarks>
/// The newest file replaces its predecessor only after it is whole on disk, and the predecessor is kept beside it: a file that a
/// crash or a full disk cut short is recognised by the format's own length rule, and the one before is used.
/// </remarks>
public sealed class RunCheckpoint
{
    private const string StateKey = "fer_actors.run_state";

    private readonly string _current;
    private readonly string _previous;

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
        SafetensorsWriter.Write(
            written,
            vectors.Select(v => new TensorData(v.Key, SafetensorsDType.F32, v.Value.shape, Bytes(v.Value))).ToList(),
            new Dictionary<string, string> { [StateKey] = state.ToJson() });
        if (File.Exists(_current))
        {
            File.Move(_current, _previous, overwrite: true);
        }

        File.Move(written, _current, overwrite: true);
    }

    /// <summary>Reads the newest whole checkpoint into the vectors.</summary>
    /// <returns>The state, and a sentence where a damaged file had to be passed over.</returns>
    /// <exception cref="SafetensorsFormatException">No whole checkpoint is left, or it belongs to another model.</exception>
    public (RunState State, string? Warning) Load(IReadOnlyDictionary<string, Tensor> vectors)
    {
        string? warning = null;
        foreach (var path in new[] { _current, _previous }.Where(File.Exists))
        {
            try
            {
                return (Read(path, vectors), warning);
            }
            catch (Exception e) when (path == _current && File.Exists(_previous) && e is SafetensorsFormatException or JsonException or IOException)
            {
                warning = $"{Path.GetFileName(path)} is damaged ({e.Message}); the one before is used.";
            }
        }

        throw new SafetensorsFormatException($"There is no checkpoint in {Path.GetDirectoryName(_current)}.");
    }

    private static RunState Read(string path, IReadOnlyDictionary<string, Tensor> vectors)
    {
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(StateKey, out var json))
        {
            throw new SafetensorsFormatException($"{Path.GetFileName(path)} is no checkpoint of a training run.");
        }

        var state = RunState.FromJson(json);
        using var noGrad = no_grad();
        foreach (var (name, vector) in vectors)
        {
            if (!file.Tensors.TryGetValue(name, out var info) || info.DType != SafetensorsDType.F32 || !info.Shape.SequenceEqual(vector.shape))
            {
                throw new SafetensorsFormatException($"The checkpoint's '{name}' does not fit this run's model.");
            }

            using var values = tensor(file.ReadAsFloat32(name));
            vector.copy_(values);
        }

        return state;
    }

    private static ReadOnlyMemory<byte> Bytes(Tensor vector)
    {
        using var cpu = vector.cpu();
        return MemoryMarshal.AsBytes<float>(cpu.data<float>().ToArray()).ToArray();
    }
}
