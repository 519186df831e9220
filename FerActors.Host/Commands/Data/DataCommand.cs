using System.CommandLine;
using System.Text;
using FerActors.Host.Operator;
using FerActors.Training.DataChecks;

namespace FerActors.Host.Commands.Data;

/// <summary><c>fer data check</c>: looks through a data set before a run does. Exit code 1 where it cannot be trained on.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Works on data sets.") { Check() };

    private static Command Check()
    {
        var path = new Argument<string>("path") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder." };
        var json = new Option<bool>("--json") { Description = "Prints JSON instead of Markdown." };
        var card = new Option<string?>("--card") { Description = "Markdown file to write the data card to; its JSON is written beside it." };
        var check = new Command("check", "Counts classes, faults and duplicates; exit code 1 where the data cannot be trained on.") { path, json, card };
        check.SetAction(async (parsed, cancellation) =>
        {
            var report = await DataCheck.RunAsync(parsed.GetRequiredValue(path), cancellationToken: cancellation);
            if (parsed.GetValue(card) is { } file)
            {
                await DataCard.WriteAsync(file, report, cancellation);
            }

            if (parsed.GetValue(json))
            {
                Console.WriteLine(Encoding.UTF8.GetString(DataCard.ToJson(report)));
            }
            else
            {
                MarkdownScreen.Write(DataCard.ToMarkdown(report));
            }


            return report.Trainable ? 0 : 1;
        });
        return check;
    }
}
