using System.Runtime.CompilerServices;
using FerActors.Vision.Native;

namespace FerActors.Testing;

/// <summary>Tests call TorchSharp directly, in any order; the product's own paths load it first.</summary>
internal static class LoadLibtorch
{
    [ModuleInitializer]
    internal static void Load() => TorchRuntime.EnsureLoaded();
}
