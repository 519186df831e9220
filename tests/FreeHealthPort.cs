using System.Runtime.CompilerServices;

namespace FerActors.Testing;

/// <summary>Nodes of the tests, those in processes of their own included, take any free port for their health endpoint.</summary>
internal static class FreeHealthPort
{
    [ModuleInitializer]
    internal static void Set() => Environment.SetEnvironmentVariable("FER_Health__Port", "0");
}
