using System.CommandLine;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Operator;
using FerActors.Training.Configuration;

namespace FerActors.Host.Tests.Commands;

/// <summary>What <c>fer train submit</c> makes of its command line and its file.</summary>
public sealed class RunSubmissionSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-submission-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_settings_of_the_data_and_the_device_go_with_the_run()
    {
        var (data, votes) = (Write("fer.csv"), Write("fer2013new.csv"));
        var file = Write("run.yaml", $"data: {data}\nvotes: {votes}\nhold_out: 0.2\nhold_out_seed: 7\nfolder_labels: raf-db\ndevice: cuda\nlabels: votes\n");

        var submitted = Read("--config", file, "--device", "cuda:1", "--id", "first");

        Assert.Equal((data, votes, 0.2, 7), (submitted.Data, submitted.Votes, submitted.HoldOut, submitted.HoldOutSeed));
        Assert.Equal(("raf-db", "cuda:1"), (submitted.FolderLabels, submitted.Device));
        Assert.Equal("votes", submitted.Options!.Value.GetProperty("labels").GetString());
    }

    [Fact]
    public void What_is_as_usual_is_left_out_so_that_an_earlier_node_reads_it()
    {
        var submitted = Read("--data", Write("fer.csv"));

        Assert.Null(submitted.Votes);
        Assert.Null(submitted.FolderLabels);
        Assert.Null(submitted.Device);
        Assert.Equal(0, submitted.HoldOut);
    }

    [Fact]
    public void A_file_that_is_not_in_its_folder_is_refused_and_a_folder_that_only_the_nodes_have_is_not()
    {
        var data = Write("fer.csv");
        var absent = Path.Combine(_folder, "fer2013nwe.csv");
        var elsewhere = Path.Combine(_folder, "mount", "fer2013new.csv");

        Assert.Equal($"votes is '{absent}', which is not there.", Assert.Throws<FormatException>(() => Read("--data", data, "--votes", absent)).Message);
        Assert.Equal(elsewhere, Read("--data", data, "--votes", elsewhere).Votes);
        Assert.Equal(_folder, Read("--data", _folder).Data);
    }

    [Fact]
    public void Settings_that_the_supervisor_does_not_have_are_refused()
    {
        var data = Write("fer.csv");

        Assert.Throws<FormatException>(() => Read("--data", data, "--set", "keep_duplicates=true"));
        Assert.Throws<TrainingConfigurationException>(() => Read("--data", data, "--set", "epochs=0"));
    }

    private string Write(string name, string text = "emotion,pixels,Usage\n")
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllText(file, text);
        return file;
    }

    private static TrainRequests.Submit Read(params string[] arguments)
    {
        var submission = new RunSubmission(files: true);
        var command = new RootCommand();
        foreach (var option in submission.Symbols.OfType<Option>())
        {
            command.Add(option);
        }

        return Assert.IsType<TrainRequests.Submit>(submission.Read(command.Parse(arguments)));
    }
}
