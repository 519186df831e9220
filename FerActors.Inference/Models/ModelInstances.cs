using FerActors.Shared.Options;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>Loads a model for each instance of a pool. Those on one device share the weights.</summary>
public static class ModelInstances
{
    /// <summary>The device of each instance of this machine's pool.</summary>
    /// <param name="options">Devices and instances.</param>
    public static IReadOnlyList<string> Places(ModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.InstanceList(CudaDevices());
    }

    /// <summary>Loads a folder.</summary>
    /// <param name="options">Folder, engine and precision.</param>
    /// <param name="devices">The device of each instance.</param>
    /// <param name="warmUpBatches">Batch sizes to run before the models are handed out.</param>
    /// <param name="version">The version's name in the registry; absent takes what the folder says.</param>
    /// <param name="loaded">Told of a model before each of its passes; what it throws ends the load.</param>
    /// <returns>A model for each instance.</returns>
    /// <exception cref="Exception">The folder or a device cannot be used; the message says why.</exception>
    public static IReadOnlyList<IExpressionModel> Load(
        ModelOptions options, IReadOnlyList<string> devices, IReadOnlyList<int> warmUpBatches, string? version = null, Action<IExpressionModel>? loaded = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(warmUpBatches);
        var firsts = new Dictionary<string, VitExpressionModel>(StringComparer.Ordinal);
        var models = new List<IExpressionModel>(devices.Count);
        try
        {
            foreach (var device in devices)
            {
                if (firsts.TryGetValue(device, out var first))
                {
                    models.Add(first.Another());
                    continue;
                }

                var model = VitExpressionModel.LoadCold(options, device, warmUpBatches.DefaultIfEmpty(1).Max(), version);
                models.Add(model);
                firsts[device] = model;
                loaded?.Invoke(model);
                foreach (var size in warmUpBatches)
                {
                    loaded?.Invoke(model);
                    model.WarmUp(size);
                }
            }

            return models;
        }
        catch
        {
            models.ForEach(model => model.Dispose());
            throw;
        }
    }

    /// <summary>A device by its name.</summary>
    /// <exception cref="InvalidOperationException">libtorch finds no such device.</exception>
    internal static Device Find(string name)
    {
        var count = CudaDevices();
        var device = new Device(name);
        return device.type != TorchSharp.DeviceType.CUDA || Math.Max(device.index, 0) < count
            ? device
            : throw new InvalidOperationException($"The device '{name}' was asked for, but libtorch finds {count} CUDA devices.");
    }

    private static int CudaDevices()
    {
        TorchRuntime.EnsureLoaded();
        return cuda.is_available() ? cuda.device_count() : 0;
    }
}
