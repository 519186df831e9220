using FerActors.Shared.Options;
using FerActors.Shared.Retention;

namespace FerActors.Shared.Tests.Retention;

public sealed class RetentionPlanSpecs
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_is_as_old_as_the_period_goes_and_what_is_younger_stays()
    {
        RetainedFile[] files = [Aged("a", 30), Aged("b", 29.99), Aged("c", 0), Aged("d", 400)];

        Assert.Equal(["a", "d"], Deleted(files, long.MaxValue));
    }

    [Fact]
    public void Of_too_many_bytes_the_oldest_go()
    {
        RetainedFile[] files = [Aged("new", 1), Aged("old", 3), Aged("middle", 2)];

        Assert.Equal(["old"], Deleted(files, 25));
        Assert.Equal(["middle", "old"], Deleted(files, 10));
        Assert.Empty(Deleted(files, 30));
    }

    [Fact]
    public void A_file_from_the_future_does_not_outlive_its_time_by_more_than_the_period() => Assert.Equal(["b"], Deleted([Aged("a", -1), Aged("b", -31)], 100));

    [Fact]
    public void A_name_is_read_as_it_was_written_and_no_id_can_leave_the_folder()
    {
        foreach (var id in new[] { "order-17", "../../etc/passwd", "", "a\0b", new string('x', 255) })
        {
            var name = RetainedName.Of(id, Now);
            Assert.DoesNotContain(name.ToString(), c => c is '/' or '\\' or '\0');
            Assert.True(RetainedName.TryParse(name.ToString(), out var read));
            Assert.Equal(name, read);
        }

        Assert.False(RetainedName.TryParse("notes.ferimg", out _));
        Assert.False(RetainedName.TryParse("20260301T120000Z-short.ferimg", out _));
    }

    [Fact]
    public void A_share_of_the_ids_is_kept_and_always_the_same()
    {
        var kept = Enumerable.Range(0, 10_000).Count(i => RetainedName.IsKept($"id-{i}", 0.25));

        Assert.InRange(kept, 2300, 2700);
        Assert.All(Enumerable.Range(0, 100), i => Assert.True(RetainedName.IsKept($"id-{i}", 1)));
    }

    [Fact]
    public void Mistakes_are_named_all_at_once_without_the_key()
    {
        var options = new RetentionOptions { KeepFor = TimeSpan.Zero, MaxBytes = 1, Share = 0, Key = "c2VjcmV0", Folder = "" };

        var errors = options.Validate();

        Assert.Equal(5, errors.Count);
        Assert.DoesNotContain(errors, error => error.Contains("c2VjcmV0", StringComparison.Ordinal));
        Assert.DoesNotContain("c2VjcmV0", options.ToString(), StringComparison.Ordinal);
        Assert.Empty(new RetentionOptions().Validate());
        Assert.False(new RetentionOptions().Enabled);
    }

    private static RetainedFile Aged(string name, double daysOld) => new(name, Now.AddDays(-daysOld), 10);

    private static IEnumerable<string> Deleted(RetainedFile[] files, long maxBytes) =>
        RetentionPlan.ToDelete(files, Now, TimeSpan.FromDays(30), maxBytes).Select(file => file.Path).Order();
}
