using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Operator;
using FerActors.Training.Averaging;
using FerActors.Training.Runs;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer average</c>: one model of several runs' weights, and how much the runs differ.</summary>
internal static class AverageCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data")
        {
            Description = "The data of the models' training: fer2013.csv, plain or .gz or .zip, or an image folder.",
            Required = true,
        };
        var votes = new Option<string?>("--votes") { Description = "The votes of FER+ beside the data, fer2013new.csv; needed for models that learnt them." };
        var of = new Option<string[]>("--of")
        {
            Description = "A model folder to be averaged; give it for each, at least twice. They have to be trained further from the same weights, as with other seeds.",
            Required = true,
        };
        var model = new Option<string>("--model") { Description = "Model folder to write.", Required = true };
        var version = new Option<string>("--version-name") { Description = "Version of the model.", DefaultValueFactory = _ => "1" };
        var fp32 = new Option<bool>("--fp32-weights") { Description = "Stores fp32 weights instead of fp16." };
        var holdOut = new Option<double>("--hold-out") { Description = "Share of the models' training images that judge them, where the data have no validation images." };
        var holdOutSeed = new Option<int>("--hold-out-seed") { Description = "Which training images are held out." };
        var command = new Command("average", "Averages the weights of runs that began alike, and shows what each reaches, with mean and spread.")
        {
            data, votes, of, model, version, fp32, holdOut, holdOutSeed,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetRequiredValue(of).Length < 2)
            {
                throw new UsageException("An average needs two models at least: give --of for each.");
            }

            var request = new AverageRequest
            {
                DataPath = parsed.GetRequiredValue(data),
                VotesPath = parsed.GetValue(votes),
                Models = parsed.GetRequiredValue(of),
                ModelFolder = parsed.GetRequiredValue(model),
                Version = parsed.GetRequiredValue(version),
                Half = !parsed.GetValue(fp32),
                HoldOut = HoldOut.Of(parsed.GetValue(holdOut), parsed.GetValue(holdOutSeed)),
                Command = CommandText.Of(parsed),
                GitCommit = RunProvenance.GitCommit,
            };
            var outcome = await AverageJob.RunAsync(request, Console.Error.WriteLine, cancellation);
            MarkdownScreen.Write(AverageTable.Of(outcome));
            Console.WriteLine($"Model: {outcome.Average.ModelFolder}");
            return 0;
        });
        return command;
    }
}
