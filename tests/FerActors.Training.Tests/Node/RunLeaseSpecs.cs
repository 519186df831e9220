using FerActors.Testing.Files;
using FerActors.Training.Node;

namespace FerActors.Training.Tests.Node;

public sealed class RunLeaseSpecs : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_has_one_writer_until_its_lease_is_given_back()
    {
        var first = await RunLease.TakeAsync(_folder.Root, "a/1", 1, Short, CancellationToken.None);
        var second = RunLease.TakeAsync(_folder.Root, "a/2", 2, Short, CancellationToken.None);
        Assert.False(second.IsCompleted);
        Assert.True(first.Renew());

        first.Dispose();

        using var taken = await second.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(taken.Renew());
    }

    [Fact]
    public async Task A_lease_of_another_machine_that_stands_still_is_free_after_its_timeout()
    {
        _folder.Write(RunLease.FileName, "b/1\nattempt 1\nbeat 7\n"u8.ToArray());

        using var taken = await RunLease.TakeAsync(_folder.Root, "a/1", 2, Short, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(30));

        Assert.True(taken.Renew());
    }

    [Fact]
    public void Who_does_not_want_to_wait_is_refused_while_another_process_works_in_the_folder()
    {
        using (RunLease.TakeNow(_folder.Root, "a/1"))
        {
            var refused = Assert.Throws<IOException>(() => RunLease.TakeNow(_folder.Root, "a/2"));
            Assert.Contains("Another process works in", refused.Message, StringComparison.Ordinal);
        }

        RunLease.TakeNow(_folder.Root, "a/2").Dispose();
    }

    [Fact]
    public void Who_does_not_want_to_wait_is_told_of_another_machine()
    {
        _folder.Write(RunLease.FileName, "b/1\nattempt 1\nbeat 7\n"u8.ToArray());

        var refused = Assert.Throws<IOException>(() => RunLease.TakeNow(_folder.Root, "a/1"));

        Assert.Contains("The machine b works in", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Work_ends_where_another_machine_has_taken_the_folder()
    {
        using var lease = RunLease.TakeNow(_folder.Root, "a/1");

        var work = lease.HoldAsync(
            Short,
            async held =>
            {
                // Another machine, whose storage does not carry locks, writes its own name into the file.
                RandomAccess.Write(lease.Handle, "b/1\n"u8.ToArray(), 0);
                await Task.Delay(Timeout.Infinite, held);
                return 0;
            },
            CancellationToken.None);

        await Assert.ThrowsAsync<InvalidOperationException>(() => work).WaitAsync(TimeSpan.FromSeconds(30));
    }
}
