using System.Security.Cryptography;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Retention;
using FerActors.Host.Tests.Http;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Tests.Retention;

public sealed class RetentionActorSpecs : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "fer-retained-" + Guid.NewGuid().ToString("N")[..8]);
    private readonly SetClock _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private RetentionOptions Options => new() { Enabled = true, Folder = _folder, KeepFor = TimeSpan.FromDays(7), Key = Convert.ToBase64String(Key) };

    private static byte[] Key { get; } = RandomNumberGenerator.GetBytes(32);

    [Fact]
    public void An_answered_image_is_kept_under_its_id_and_gone_when_its_time_is_over()
    {
        var images = new RetainedImages(Options);
        var actor = Start(Options);

        Answered("a", [1, 2, 3]);
        AwaitCondition(() => images.Of("a").Count == 1, Patience);
        Assert.Equal(new byte[] { 1, 2, 3 }, images.Read(images.Of("a").Single()).Image.ToArray());

        _clock.Now += TimeSpan.FromDays(6.9);
        Answered("b", [4]);
        AwaitCondition(() => images.Of("b").Count == 1, Patience);
        Sweep(actor);
        Answered("c", [5]);
        AwaitCondition(() => images.Of("c").Count == 1, Patience);
        Assert.Single(images.Of("a"));

        _clock.Now += TimeSpan.FromDays(0.1);
        Sweep(actor);
        AwaitCondition(() => images.Of("a").Count == 0, Patience);
        Assert.Single(images.Of("b"));
    }

    [Fact]
    public void At_the_start_what_is_too_old_and_what_a_crash_left_half_written_is_deleted()
    {
        var images = new RetainedImages(Options);
        images.Write(new RetainedImage("old", "1", _clock.Now.AddDays(-7), new byte[] { 1 }));
        images.Write(new RetainedImage("young", "1", _clock.Now.AddDays(-6), new byte[] { 1 }));
        var half = images.Of("old").Single().Path + ".part";
        File.WriteAllText(half, "half an image");
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "not ours");

        Start(Options);

        AwaitCondition(() => images.Of("old").Count == 0 && !File.Exists(half), Patience);
        Assert.Single(images.Of("young"));
        Assert.True(File.Exists(Path.Combine(_folder, "notes.txt")));
    }

    [Fact]
    public void Images_without_a_face_and_those_beyond_the_share_are_not_kept()
    {
        var images = new RetainedImages(Options);
        Start(Options with { Share = 1e-9 });
        Answered("beyond", [1]);
        Start(Options);
        Sys.EventStream.Publish(new ImageAnswered(new byte[] { 1 }, new ClassificationResult { MessageId = "empty", Node = "n" }));
        Answered("last", [1]);

        AwaitCondition(() => images.Of("last").Count == 1, Patience);
        Assert.Empty(images.Of("empty"));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_said_and_stops_nothing()
    {
        File.WriteAllText(_folder, "a file stands where the folder should be");
        var images = new RetainedImages(Options);
        Start(Options);
        EventFilter.Error(contains: "could not be kept").ExpectOne(Patience, () => Answered("a", [1]));

        File.Delete(_folder);
        Answered("b", [1]);

        AwaitCondition(() => images.Of("b").Count == 1, Patience);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }

        File.Delete(_folder);
    }

    private IActorRef Start(RetentionOptions options)
    {
        Assert.Empty(options.Validate());
        var clock = _clock;
        var actor = Sys.ActorOf(Props.Create(() => new RetentionActor(options, clock)));

        // It has subscribed once it answers.
        actor.Ask<ActorIdentity>(new Identify(1), Patience).Wait(Patience);
        return actor;
    }

    private void Answered(string id, byte[] image)
    {
        var result = HappyFaces.In(new ClassifyImage(
            new DeliveryKey(1, 1), id, null, image, RequestOptions.Default, _clock.Now, null, Alone: false)).Result;
        Sys.EventStream.Publish(new ImageAnswered(image, result));
    }

    private static void Sweep(IActorRef actor) => actor.Tell(RetentionActor.SweepDue.Instance);

    private sealed class SetClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
