using System.CommandLine;
using System.Reflection;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FerActors.Lab.Micro;

namespace FerActors.Lab.Commands;

internal static class MicroCommands
{
    /// <summary>libtorch and ONNX Runtime on the same model, batch by batch.</summary>
    public static Command CreateEngines()
    {
        var rounds = new Argument<int>("ROUNDS") { Description = "Passes of each batch size.", DefaultValueFactory = _ => 51 };
        var model = new Argument<string>("MODEL") { Description = "The model's folder.", DefaultValueFactory = _ => "models/fer-vit-compact" };
        var command = new Command("engines", "libtorch and ONNX Runtime on the same model, batch by batch") { rounds, model };
        command.SetAction(parsed => EngineComparison.Run(parsed.GetValue(model)!, parsed.GetValue(rounds)));
        return command;
    }

    /// <summary>BenchmarkDotNet's micro-benchmarks; the arguments are BenchmarkDotNet's.</summary>
    public static Command CreateMicro()
    {
        var rest = new Argument<string[]>("ARGS") { Description = "BenchmarkDotNet's arguments, after --.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("micro", "micro-benchmarks of the stages between an encoded image and its result") { rest };
        command.SetAction(parsed =>
        {
            // In this process: the native libraries are made ready once, and no second copy of libtorch is built into a folder of its own.
            var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(logOutput: false)));
            BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(parsed.GetValue(rest) ?? [], config);
        });
        return command;
    }
}
