using System.Globalization;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Where a run or an evaluation computes: <c>cpu</c>, or <c>cuda:N</c>.</summary>
/// <remarks>Weights, optimiser and teachers lie on the device, and each batch goes there; files are written as on any other device.</remarks>
public sealed record ComputeDevice
{
    /// <summary>The first CUDA device that libtorch finds, else the processor.</summary>
    public const string Auto = "auto";

    private const string Processor = "cpu";
    private const string Cuda = "cuda";

    private ComputeDevice(string name) => Name = name;

    /// <summary>The processor.</summary>
    public static ComputeDevice Cpu { get; } = new(Processor);

    /// <summary><c>cpu</c>, or <c>cuda:N</c>.</summary>
    public string Name { get; }

    internal Device Torch => new(Name);

    /// <summary>What is wrong with the value of an option, a sentence; <see langword="null"/> where it can name a device.</summary>
    public static string? Mistake(string? asked) => asked is Auto or Processor or Cuda || CudaNumber(asked) is not null
        ? null
        : $"device is '{asked}'; it must be {Auto}, {Processor}, {Cuda} or {Cuda}:N.";

    /// <summary>The devices of this machine, as libtorch finds them: the processor first.</summary>
    /// <exception cref="NativeLibraryException">libtorch cannot be loaded.</exception>
    public static IReadOnlyList<string> Present()
    {
        TorchRuntime.EnsureLoaded();
        var count = cuda.is_available() ? cuda.device_count() : 0;
        return [Processor, .. Enumerable.Range(0, count).Select(Numbered)];
    }

    /// <summary>The device that is asked for.</summary>
    /// <param name="asked"><c>auto</c>, <c>cpu</c>, <c>cuda</c> (the first) or <c>cuda:N</c>.</param>
    /// <param name="present">The devices that there are; by default <see cref="Present"/>.</param>
    /// <exception cref="FormatException">It is no device, or is not there; the message lists what is.</exception>
    public static ComputeDevice Choose(string asked, IReadOnlyList<string>? present = null)
    {
        if (Mistake(asked) is { } mistake)
        {
            throw new FormatException(mistake);
        }

        // The processor is always there, and need not wait for the driver of a card.
        if (asked == Processor)
        {
            return Cpu;
        }

        present ??= Present();
        var wanted = asked switch
        {
            Auto => present.FirstOrDefault(name => CudaNumber(name) is not null) ?? Processor,
            Cuda => Numbered(0),
            _ => asked,
        };
        return present.Contains(wanted)
            ? new ComputeDevice(wanted)
            : throw new FormatException($"device is '{asked}', which is not there; there is {string.Join(", ", present)}.");
    }

    /// <summary>Loads a model folder for serving, its weights on the device.</summary>
    /// <inheritdoc cref="VitCheckpoint.Load(string)"/>
    public VitCheckpoint Load(string folder)
    {
        var checkpoint = VitCheckpoint.Load(folder);
        if (this == Cpu)
        {
            return checkpoint;
        }

        using (checkpoint)
        {
            return checkpoint with { Model = checkpoint.Model.To(ScalarType.Float32, Torch) };
        }
    }

    public override string ToString() => Name;

    private static string Numbered(int number) => string.Create(CultureInfo.InvariantCulture, $"{Cuda}:{number}");

    private static int? CudaNumber(string? name) =>
        name?.StartsWith($"{Cuda}:", StringComparison.Ordinal) == true
        && int.TryParse(name.AsSpan(Cuda.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && Numbered(number) == name
            ? number
            : null;
}
