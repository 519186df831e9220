using System.Diagnostics;
using FerActors.Shared.Files;
using FerActors.Testing.Files;
using FerActors.Training.Configuration;
using FerActors.Training.Data;
using FerActors.Training.DataChecks;

namespace FerActors.Training.Tests.Data;

/// <summary>A named pipe without a writer, in the place of each file that a run reads: an open of it would wait for good.</summary>
public sealed class PipeSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public async Task Data_that_are_a_pipe_are_refused()
    {
        var pipe = MakePipe("fer2013.csv");

        Assert.Equal("a named pipe", (await Assert.ThrowsAsync<NotRegularFileException>(() => FerDataSource.OpenAsync(pipe))).Kind);
        Assert.Equal("a named pipe", (await Assert.ThrowsAsync<NotRegularFileException>(() => DataCheck.RunAsync(pipe))).Kind);
    }

    [SkippableFact]
    public void An_image_that_is_a_pipe_is_named()
    {
        _folder.Write("train/happy/1.png", "no image"u8.ToArray());
        MakePipe("train/happy/2.png");

        var problem = Assert.Throws<FerDataException>(() => ImageFolderReader.Read(_folder.Root));

        Assert.Contains("train/happy/2.png: is a named pipe, not a file", problem.Errors);
    }

    [SkippableFact]
    public async Task Votes_that_are_a_pipe_are_refused()
    {
        var pipe = MakePipe("votes.csv");
        var data = FerDataset.FromArrays([], [], []);

        await Assert.ThrowsAsync<NotRegularFileException>(() => FerVotesReader.AttachAsync(pipe, data));
    }

    [SkippableFact]
    public void A_configuration_that_is_a_pipe_is_refused()
    {
        var pipe = MakePipe("run.yaml");

        Assert.Throws<NotRegularFileException>(() => ConfigurationText.ReadFile(pipe));
    }

    private string MakePipe(string name)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "named pipes in folders are Unix's");
        var path = Path.Combine(_folder.Root, name);
        using var make = Process.Start("mkfifo", path);
        make.WaitForExit();
        return path;
    }
}
