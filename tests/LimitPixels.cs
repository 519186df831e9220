using System.Runtime.CompilerServices;
using FerActors.Shared.Options;
using FerActors.Vision.Native;

namespace FerActors.Testing;

/// <summary>OpenCV reads its pixel limit once, when it is loaded. Tests draw pictures with it before a node sets that limit.</summary>
internal static class LimitPixels
{
    [ModuleInitializer]
    internal static void Set() => NativeEnvironment.LimitPixels(new ImageLimitsOptions().MaxPixels);
}
