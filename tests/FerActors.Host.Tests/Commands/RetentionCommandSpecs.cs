using System.Security.Cryptography;
using System.Text;
using FerActors.Host.Feedback;
using FerActors.Host.Retention;
using FerActors.Shared.Feedback;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer retention</c>, as somebody uses it who is asked what is kept of a person, or to delete it.</summary>
public sealed class RetentionCommandSpecs : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-retention-").FullName;
    private readonly RetainedImages _images;

    public RetentionCommandSpecs()
    {
        File.WriteAllText(KeyFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(RetentionOptions.KeyBytes)));
        _images = new RetainedImages(new RetentionOptions { Folder = Kept, KeyFile = KeyFile });
        _images.Write(new RetainedImage("order-17", "1", Noon, Encoding.ASCII.GetBytes("an older picture")));
        _images.Write(new RetainedImage("order-17", "1", Noon.AddHours(1), Encoding.ASCII.GetBytes("the newest picture")));
        _images.Write(new RetainedImage("order-18", "1", Noon.AddHours(2), Encoding.ASCII.GetBytes("another's picture")));
    }

    private string Kept => Path.Combine(_folder, "kept");

    private string KeyFile => Path.Combine(_folder, "key");

    private string Judged => Path.Combine(_folder, "feedback");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task List_names_the_messages_by_time_and_without_the_key_only_that_there_is_something()
    {
        var (code, output, _) = await RunAsync("list");
        var (_, withoutKey, _) = await FerProcess.RunAsync("retention", "list", "--set", $"Retention:Folder={Kept}");

        Assert.Equal(0, code);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["order-17", "order-17", "order-18"], lines.Select(line => line.Split(' ')[^1]));
        Assert.StartsWith("2026-03-01 12:00:00Z", lines[0], StringComparison.Ordinal);
        Assert.Equal(3, withoutKey.Split('\n').Count(line => line.EndsWith("(cannot be read without the key)", StringComparison.Ordinal)));
        Assert.DoesNotContain("order-", withoutKey, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_writes_the_newest_image_of_a_message_decrypted()
    {
        var target = Path.Combine(_folder, "picture");

        var (code, _, _) = await RunAsync("export", "order-17", target);
        var (unknown, _, errors) = await RunAsync("export", "order-19", target);

        Assert.Equal(0, code);
        Assert.Equal("the newest picture", await File.ReadAllTextAsync(target));
        Assert.Equal(1, unknown);
        Assert.Contains("No image of this message is kept here.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forget_deletes_the_images_and_the_feedback_of_these_messages_and_of_no_other()
    {
        var feedback = new FeedbackStore(Judged);
        feedback.Append([On("order-17"), On("order-18")]);

        var (code, output, _) = await RunAsync("forget", "order-17", "order-19");

        Assert.Equal(0, code);
        Assert.Contains("order-17: 2 images, 1 feedback records deleted", output, StringComparison.Ordinal);
        Assert.Contains("order-19: 0 images, 0 feedback records deleted", output, StringComparison.Ordinal);
        Assert.Equal("order-18", _images.Read(Assert.Single(_images.All())).MessageId);
        Assert.Equal("order-18", Assert.Single(feedback.ReadLatest(10)).Feedback.MessageId);
    }

    private static FeedbackRecord On(string id) => new(Noon, new FaceFeedback(id, 0, Expression.Sad, Expression.Happy, "1", "somebody"));

    private Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments) => FerProcess.RunAsync(
    [
        "retention", .. arguments,
        "--set", $"Retention:Folder={Kept}",
        "--set", $"Retention:KeyFile={KeyFile}",
        "--set", $"Feedback:Folder={Judged}",
    ]);
}
