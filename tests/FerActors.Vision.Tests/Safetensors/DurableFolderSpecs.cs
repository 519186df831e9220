using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Safetensors;

public sealed class DurableFolderSpecs
{
    [Fact]
    public void A_folder_can_be_flushed()
    {
        using var folder = new TemporaryFolder();

        Assert.Null(Record.Exception(() => DurableFolder.Flush(folder.Path)));
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
