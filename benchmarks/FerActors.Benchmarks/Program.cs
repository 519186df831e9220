using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FerActors.Benchmarks;

if (args is ["engines", ..])
{
    EngineComparison.Run(args.Length > 2 ? args[2] : "models/fer-vit-compact", args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 51);
    return;
}

// In this process: the native libraries are made ready once, and no second copy of libtorch is built into a folder of its own.
var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(logOutput: false)));
BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(args, config);
