using FerActors.Shared.Files;

namespace FerActors.Shared.Tests.Files;

public sealed class DurableFolderSpecs
{
    [Fact]
    public void A_folder_can_be_flushed()
    {
        var folder = Directory.CreateTempSubdirectory("fer-durable-");

        Assert.Null(Record.Exception(() => DurableFolder.Flush(folder.FullName)));
        folder.Delete();
    }

    [SkippableFact]
    public void A_folder_that_is_not_there_is_named_with_the_system_s_reason()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows flushes its folders itself.");
        var absent = Path.Combine(Path.GetTempPath(), $"fer-absent-{Guid.NewGuid():N}");

        var fault = Assert.Throws<IOException>(() => DurableFolder.Flush(absent));

        Assert.Contains($"The folder '{absent}' could not be opened: No such file or directory", fault.Message, StringComparison.Ordinal);
    }
}
