using System.Globalization;
using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Cluster;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using FerActors.Vision.Native;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Doctor;

/// <summary>What the machine has: libraries, detector, model, graphics processor, ports, limits.</summary>
internal sealed class MachineChecks(FerOptions options)
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ForLibraries = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ForModel = TimeSpan.FromMinutes(3);

    private bool _libraries;
    private TorchRuntimeInfo? _torch;

    private bool Inference => options.Cluster.Has(NodeRoles.Inference);

    public IEnumerable<Check> All() =>
    [
        Check.Of("open files", Short, () => [OpenFilesLimit()]),
        Check.Of("secret files", Short, SecretFilesRights),
        Check.Of("ports", Short, Ports),
        Check.Of("native libraries", ForLibraries, Libraries),
        Check.Of("detector", ForLibraries, Detector),
        Check.Of("GPU", Short, Gpu),
        Check.Of("model", ForModel, Model),
    ];

    private static Finding OpenFilesLimit() => OpenFiles.Shortage() is { } shortage
        ? Finding.Failure("open files", shortage, "Raise the limit before the node starts: ulimit -n, LimitNOFILE of systemd, or the container's ulimits.")
        : Finding.Ok("open files", $"The system lets a node open {OpenFiles.Least} files or more.");

    private IEnumerable<Finding> SecretFilesRights()
    {
        var open = SecretFiles.OpenToOthers(options).ToList();
        return open.Count == 0
            ? [Finding.Ok("secret files", "No file with a key, a password or a token can be read by every user.")]
            : open.Select(file => Finding.Warning("secret files", SecretFiles.Sentence(file), $"chmod 600 '{file.Path}', or 640 for a group."));
    }

    private IEnumerable<Finding> Ports()
    {
        var taken = FreePorts.Refusals(options).ToList();
        if (taken.Count == 0)
        {
            return [Finding.Ok("ports", "The ports that this node was given are free.")];
        }

        // Most who ask have the node running beside.
        return IsRunning()
            ? [Finding.Skipped("ports", $"A node runs in this folder already. {string.Join(' ', taken)}")]
            : taken.Select(sentence => Finding.Failure("ports", sentence, "Stop the other process, or give the node another port."));
    }

    private bool IsRunning()
    {
        if (options.Persistence.Provider != PersistenceProvider.Sqlite)
        {
            return false;
        }

        var file = Path.GetFullPath(new SqliteConnectionStringBuilder(options.Persistence.ReadConnectionString()).DataSource) + ".lock";
        try
        {
            using var held = File.Exists(file) ? new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.None) : null;
            return false;
        }
        catch (IOException e) when (FileRefusal.IsHeld(e))
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private IEnumerable<Finding> Libraries()
    {
        NativeEnvironment.LimitPixels(options.Images.MaxPixels);
        if (Inference)
        {
            var opencv = Try("OpenCV", () =>
            {
                OpenCvRuntime.EnsureLoaded();
                OpenCvRuntime.AssertPixelLimit(options.Images.MaxPixels);
                return "OpenCV can be loaded.";
            });
            _libraries = opencv.Level == FindingLevel.Ok;
            yield return opencv;
        }

        yield return Try("libtorch", () => $"libtorch {(_torch = TorchRuntime.EnsureLoaded()).Version} can be loaded.");
    }

    private IEnumerable<Finding> Detector()
    {
        if (!Inference || !_libraries)
        {
            yield break;
        }

        yield return Try("detector", () =>
        {
            var factory = new FaceDetectorFactory(options.Detection);
            using var detector = factory.Create();
            return factory.Shortcoming is { } shortcoming
                ? throw new LesserDetectorException(shortcoming)
                : $"{factory.Kind}, from '{factory.ModelPath}'.";
        });
    }

    private IEnumerable<Finding> Gpu()
    {
        if (_torch is null)
        {
            yield break;
        }

        var devices = Directory.Exists("/proc/driver/nvidia/gpus") ? Directory.GetDirectories("/proc/driver/nvidia/gpus").Length : 0;
        var wanted = Inference && options.Model.DeviceList(0).Any(device => device.StartsWith("cuda", StringComparison.Ordinal));
        yield return (wanted, _torch.CudaAvailable) switch
        {
            (true, false) => Finding.Failure(
                "GPU", $"Model:Devices is '{options.Model.Devices}', and libtorch sees no GPU; the driver shows {devices.ToString(CultureInfo.InvariantCulture)}.",
                devices == 0
                    ? "Install the driver, or give the container the GPU (--gpus, nvidia.com/gpu); or set Model:Devices=cpu."
                    : "Use the build for CUDA (docs/running-a-node.md), or set Model:Devices=cpu."),
            (false, true) when options.Model.Devices == ModelOptions.AutoDevices => Finding.Ok("GPU", "libtorch sees a GPU, and Model:Devices=auto uses it."),
            (false, true) => Finding.Warning("GPU", $"libtorch sees a GPU, and Model:Devices is '{options.Model.Devices}'.", "Set Model:Devices=auto to use it."),
            (true, true) => Finding.Ok("GPU", "libtorch sees a GPU."),
            _ => Finding.Skipped("GPU", devices == 0 ? "None is asked for, and none is there." : "None is asked for; the driver shows one, which this build does not use."),
        };
    }

    private IEnumerable<Finding> Model()
    {
        if (!Inference || _torch is null)
        {
            yield break;
        }

        yield return Try("model", () =>
        {
            using var model = VitExpressionModel.Load(options.Model, [1]);
            return $"'{Path.GetFullPath(options.Model.Path)}' loads and answers: {model.Identity.Name} {model.Identity.Version}, weights sha256:{model.Identity.WeightsSha256}.";
        });
    }

    private static Finding Try(string name, Func<string> look)
    {
        try
        {
            return Finding.Ok(name, look());
        }
        catch (LesserDetectorException e)
        {
            return Finding.Warning(name, e.Message, FaceDetectorFactory.Remedy);
        }
        catch (NativeLibraryException e)
        {
            return Finding.Failure(name, e.Message, "scripts/prepare native installs what the built product lacks; docs/running-a-node.md has the packages.");
        }
        catch (Exception e)
        {
            return Finding.Failure(name, e.Message, name == "model" ? "Set Model:Path to a model folder that is whole." : "See docs/running-a-node.md.");
        }
    }

    private sealed class LesserDetectorException(string message) : Exception(message);
}
