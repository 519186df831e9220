using System.Globalization;

namespace FerActors.Cluster.Tests;

/// <summary>A control group of the kernel with a memory limit, as a container has one: what exceeds it is killed. Needs root; version 1 or 2.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private readonly string _folder;
    private readonly bool _isSecond;

    private MemoryGroup(string root, bool isSecond)
    {
        _folder = Path.Combine(root, "fer-" + Guid.NewGuid().ToString("N")[..8]);
        _isSecond = isSecond;
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Becomes a program in the group.</summary>
    public IReadOnlyList<string> Launcher => ["/bin/sh", "-c", $"echo $$ > {_folder}/cgroup.procs && exec \"$@\"", "sh"];

    /// <summary>What the group holds, in bytes.</summary>
    public long Usage => long.Parse(File.ReadAllText(Named("memory.usage_in_bytes", "memory.current")), CultureInfo.InvariantCulture);

    /// <summary>Makes one, or says why that cannot be done here.</summary>
    public static (MemoryGroup? Group, string Absence) TryCreate()
    {
        const string First = "/sys/fs/cgroup/memory", Second = "/sys/fs/cgroup";
        try
        {
            var isSecond = File.Exists(Path.Combine(Second, "cgroup.controllers"));
            var group = new MemoryGroup(isSecond ? Second : First, isSecond);
            if (File.Exists(group.Named("memory.limit_in_bytes", "memory.max")))
            {
                return (group, "");
            }

            group.Dispose();
            return (null, "The kernel's control groups do not limit memory here.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"A control group for memory needs root: {e.Message}");
        }
    }

    /// <summary>Lets the group have this much beyond what it holds.</summary>
    public void Allow(long bytes) =>
        File.WriteAllText(Named("memory.limit_in_bytes", "memory.max"), (Usage + bytes).ToString(CultureInfo.InvariantCulture));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder);
        }
    }

    private string Named(string first, string second) => Path.Combine(_folder, _isSecond ? second : first);
}
