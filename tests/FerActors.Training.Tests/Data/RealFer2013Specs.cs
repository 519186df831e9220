using FerActors.Training.Data;
using Xunit.Abstractions;

namespace FerActors.Training.Tests.Data;

/// <summary>Facts about the copy of FER2013 that stands beside the repository.</summary>
public sealed class RealFer2013Specs(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task The_splits_the_classes_and_the_duplicates_are_counted()
    {
        var set = await FerDataSource.OpenAsync(SharedData.Require("data", "fer2013", "fer2013.csv.gz"));
        var training = set.Where(FerUsage.Training);
        var validation = set.Where(FerUsage.PublicTest);

        Assert.Equal(28_709, training.Count);
        Assert.Equal(3_589, validation.Count);
        Assert.Equal(set.Count, training.Count + validation.Count);
        Assert.Equal([3995, 436, 4097, 7215, 4830, 3171, 4965], training.Histogram);
        Assert.Equal([467, 56, 496, 895, 653, 415, 607], validation.Histogram);
        output.WriteLine($"sha256 all {set.Sha256}");
        output.WriteLine($"sha256 training {training.Sha256}");
        output.WriteLine($"sha256 public test {validation.Sha256}");

        var report = DuplicateFinder.Find(set);
        output.WriteLine($"exact: {report.ExactGroups.Count} groups, {report.ExactDuplicates} repeats, "
            + $"largest {report.ExactGroups.Max(group => group.Count)}, {report.ConflictingGroups} with more than one label");
        output.WriteLine($"near: {report.NearPairs.Count} pairs");
        output.WriteLine($"training images that also stand in PublicTest: {report.ExactLeaks.Count} exactly, {report.Leaks.Count} with near ones");

        var clean = DuplicateFinder.RemoveFromTraining(set, report);
        Assert.InRange(report.Leaks.Count, report.ExactLeaks.Count, 2000);
        Assert.Equal(28_709 - report.Leaks.Count, clean.CountOf(FerUsage.Training));
        Assert.Equal(3_589, clean.CountOf(FerUsage.PublicTest));
        Assert.Empty(DuplicateFinder.Find(clean).Leaks);
    }
}
