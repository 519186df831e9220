using System.Security.Cryptography;
using FerActors.Shared.Registry;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Inference.Serving;

/// <summary>Finds a version's folder under the registry's root and proves that its files are those that the registry names.</summary>
internal static class ModelFolderCheck
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Verifies the folder.</summary>
    /// <returns>Its full path.</returns>
    /// <exception cref="ModelVerificationException">It is not there, lies elsewhere, or differs; the message says how.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static string Verify(string root, ModelPointer model, CancellationToken cancellation)
    {
        var folder = Resolve(root, model);
        foreach (var required in new[] { VitCheckpoint.WeightsFileName, VitConfig.FileName })
        {
            Require(model.Files.ContainsKey(required), $"The registry names no digest of {required} for version {model.Version}.");
        }

        // The loader reads it where it is there, so it must be one of those that were promoted.
        Require(
            model.Files.ContainsKey(PreprocessorConfig.FileName) || !File.Exists(Path.Combine(folder, PreprocessorConfig.FileName)),
            $"Version {model.Version} has a {PreprocessorConfig.FileName} of which the registry knows nothing.");
        foreach (var (name, digest) in model.Files)
        {
            VerifyFile(folder, name, digest, model.Version, cancellation);
        }

        return folder;
    }

    // Compared as canonical paths; a link below the root could lead anywhere and is not followed.
    private static string Resolve(string root, ModelPointer model)
    {
        var home = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Combine(home, model.Folder)));
        var prefix = home.EndsWith(Path.DirectorySeparatorChar) ? home : home + Path.DirectorySeparatorChar;
        Require(
            folder.StartsWith(prefix, StringComparison.Ordinal), $"The folder of version {model.Version} lies outside the registry's root.");
        var current = home;
        foreach (var part in folder[prefix.Length..].Split(Path.DirectorySeparatorChar))
        {
            current = Path.Combine(current, part);
            var info = new DirectoryInfo(current);
            Require(info.Exists, $"Version {model.Version} has no folder in the registry of this node.");
            Require(info.LinkTarget is null, $"The folder of version {model.Version} is a link, which is not followed.");
        }

        return folder;
    }

    private static void VerifyFile(string folder, string name, string digest, ModelVersionId version, CancellationToken cancellation)
    {
        Require(
            name.Length > 0 && name is not ("." or "..") && name.AsSpan().IndexOfAny('/', '\\') < 0,
            $"Version {version} names a file that is not in its folder.");
        var file = new FileInfo(Path.Combine(folder, name));
        Require(file.Exists, $"Version {version} has no file {name}.");
        Require(file.LinkTarget is null, $"The file {name} of version {version} is a link, which is not followed.");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stream = file.OpenRead();
        var buffer = new byte[BufferBytes];
        for (var read = stream.Read(buffer); read > 0; read = stream.Read(buffer))
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }

        Require(
            Convert.ToHexStringLower(hash.GetHashAndReset()) == digest,
            $"The file {name} of version {version} is not the one that was registered: its SHA-256 differs.");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ModelVerificationException(message);
        }
    }
}
