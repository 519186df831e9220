using FerActors.Inference.Models;

namespace FerActors.Inference.Tests.Models;

public sealed class NativeThreadSpecs
{
    [Fact]
    public async Task Work_is_done_in_its_order_on_one_thread_and_a_failure_is_its_own_task_s()
    {
        using var thread = new NativeThread("spec");
        var order = new List<(int Number, int Thread)>();

        int Note(int number)
        {
            order.Add((number, Environment.CurrentManagedThreadId));
            return number == 1 ? throw new InvalidOperationException("the second") : number;
        }

        var tasks = Enumerable.Range(0, 3).Select(number => thread.Run(() => Note(number))).ToArray();

        Assert.Equal(0, await tasks[0]);
        Assert.Equal("the second", (await Assert.ThrowsAsync<InvalidOperationException>(() => tasks[1])).Message);
        Assert.Equal(2, await tasks[2]);
        Assert.Equal([0, 1, 2], order.Select(o => o.Number));
        Assert.NotEqual(Environment.CurrentManagedThreadId, Assert.Single(order.Select(o => o.Thread).Distinct()));
    }

    [Fact]
    public async Task Work_given_before_the_end_is_still_done()
    {
        using var gate = new ManualResetEventSlim();
        var thread = new NativeThread("spec");
        var first = thread.Run(() => gate.Wait(TimeSpan.FromMinutes(1)));
        var second = thread.Run(() => "done");

        thread.Dispose();
        gate.Set();

        Assert.True(await first);
        Assert.Equal("done", await second);
        Assert.ThrowsAny<InvalidOperationException>(() => { _ = thread.Run(() => 0); });
    }

    [Fact]
    public void A_thread_that_ends_while_it_is_told_to_end_disturbs_nobody()
    {
        // The thread is between its last work and the end of its queue, or waits for more, when it is told: both happen often.
        for (var i = 0; i < 2_000; i++)
        {
            var thread = new NativeThread("spec");
            _ = thread.Run(() => i);
            thread.Dispose();
        }
    }
}
