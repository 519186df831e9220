using FerActors.Shared.Files;

namespace FerActors.Host.Tests.Node;

/// <summary>What a person is told of a file that a node cannot have.</summary>
public sealed class FileRefusalSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-lock-").FullName;

    public static TheoryData<Exception, string> Causes => new()
    {
        { new IOException("x", 30), "read-only" },
        { new IOException("x", 28), "disk is full" },
        { new IOException("x", 122), "quota" },
        { new UnauthorizedAccessException(), "no right" },
        { new UnauthorizedAccessException("x", new IOException("x", 30)), "read-only" },
        { new DirectoryNotFoundException(), "missing" },
        { new IOException("the cable is cut"), "the cable is cut" },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Causes))]
    public void Each_cause_has_its_own_sentence_with_the_path(Exception cause, string word)
    {
        var sentence = FileRefusal.Sentence("/data/journal.db", cause);

        Assert.Contains("'/data/journal.db'", sentence, StringComparison.Ordinal);
        Assert.Contains(word, sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lock_is_had_by_one_at_a_time()
    {
        var path = Path.Combine(_folder, "deep", "journal.lock");
        using (var held = FileLock.TryTake(path))
        {
            Assert.NotNull(held);
            Assert.Null(FileLock.TryTake(path));
        }

        using var next = FileLock.TryTake(path);
        Assert.NotNull(next);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_not_taken_for_another_node()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");

        var refusal = Assert.Throws<IOException>(() => FileLock.TryTake(Path.Combine(file, "journal.lock")));

        Assert.Contains("cannot be written", refusal.Message, StringComparison.Ordinal);
    }
}
