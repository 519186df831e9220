using System.Security.Cryptography;
using FerActors.Inference.Tests.Models;
using FerActors.Shared.Registry;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Inference.Tests.Serving;

/// <summary>A registry's root with small versions of random weights.</summary>
internal sealed class RegistryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("fer-registry-").FullName;

    public ModelPointer Add(string version, int seed, VitConfig? config = null)
    {
        var folder = Path.Combine(Root, version);
        using var model = Vit.Create(config ?? ModelFolder.Config, seed);
        VitCheckpoint.Save(folder, model, PreprocessorConfig.For(model.Config), half: false);
        return new ModelPointer(
            ModelVersionId.Parse(version),
            version,
            Directory.GetFiles(folder).ToDictionary(f => Path.GetFileName(f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))));
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
