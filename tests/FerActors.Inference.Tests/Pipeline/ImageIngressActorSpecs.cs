using Akka.Actor;
using Akka.TestKit;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using FerActors.Vision.Imaging;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>The entrance by itself: workers and batching actor are probes, and the time is told.</summary>
public sealed class ImageIngressActorSpecs : PatientKit
{
    private static readonly ModelIdentity Identity = new("fake", "1", "00");

    private static readonly byte[] Picture = FakeFaceDetector.Picture(1);

    private readonly SchedulerTime _time;
    private readonly TestProbe _workers;
    private readonly TestProbe _batcher;
    private readonly TestProbe _asker;
    private readonly IActorRef _ingress;

    public ImageIngressActorSpecs()
        : base(SchedulerTime.Config)
    {
        _time = new SchedulerTime((TestScheduler)Sys.Scheduler);
        _workers = CreateTestProbe();
        _batcher = CreateTestProbe();
        _asker = CreateTestProbe();
        var settings = new IngressSettings("node-1", 2, 2, ImageLimits.Default with { MaxSide = 1000 });
        _ingress = Sys.ActorOf(Props.Create(() => new ImageIngressActor(settings, Props.Create(() => new Forwarder(_workers.Ref)), _batcher.Ref, _time)));
    }

    [Fact]
    public void An_image_goes_through_a_worker_and_the_batcher_to_its_answer()
    {
        Send(1, alone: true);
        Advance(5);
        var work = _workers.ExpectMsg<AlignImage>();
        Assert.Equal((Key(1), RequestOptions.Default), (work.Key, work.Request));
        _workers.Reply(Aligned(1, faces: 2));
        var ask = _batcher.ExpectMsg<ClassifyFaces>();
        Assert.Equal((Key(1), 2, true), (ask.Key, ask.Crops.Count, ask.Alone));
        Advance(20);

        _batcher.Reply(Classified(1, 2));

        var result = Outcome(1);
        Assert.Equal(("ok", "message-1", "correlation-1", "node-1"), (result.Status, result.MessageId, result.CorrelationId, result.Node));
        Assert.Equal(Identity, result.Model);
        Assert.Equal(new ImageInfo(10, 20, "png"), result.Image);
        Assert.Equal((true, 0.16), (result.FacesCut, result.SearchScale));
        Assert.Equal(result.Faces.Count + 36, result.FacesFound);
        Assert.Equal(new Timings(1.5, 2.5, 3.5, 14, 6, 35), result.TimingsMs);
        Assert.Equal(2, result.Faces.Count);
        var face = result.Faces[0];
        Assert.Equal((Expression.Surprise, "Surprise", 0.5), (face.Label, face.DominantEmotion, face.Confidence));
        Assert.Equal(ExpressionNames.All, face.Emotions.Select(e => e.Label));
        Assert.Equal(ExpressionNames.All.Select(e => e.ToString()), face.Emotions.Select(e => e.Name));
        Assert.Equal((0.7, 12.5), (face.DetectorScore, face.RollDegrees));
        Assert.Equal(new byte[] { 9 }, face.CropPng);
    }

    [Fact]
    public void An_image_that_expires_while_it_waits_for_a_worker_is_refused_and_the_next_one_starts()
    {
        SendMany(1, 2);
        Send(3, expiresIn: 50);
        Send(4);
        var work = _workers.ExpectMsg<AlignImage>();
        var worker = _workers.Sender;
        var other = _workers.ExpectMsg<AlignImage>();
        Statistics();
        Advance(50);

        _ingress.Tell(new ImageRefused(work.Key, ErrorCodes.CorruptImage, "broken"), worker);

        Assert.Equal(ErrorCodes.CorruptImage, Outcome(work.Key.Tag).Error!.Code);
        Assert.Equal(ErrorCodes.Expired, Outcome(3).Error!.Code);
        Assert.Equal(3UL, work.Key.Tag + other.Key.Tag);
        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(4));
        Assert.Equal((2, 0), (Statistics().InFlight, Statistics().Waiting));
    }

    [Fact]
    public void A_worker_whose_waiting_images_have_all_expired_is_idle_again()
    {
        SendMany(1, 2);
        Send(3, expiresIn: 50);
        Send(4, expiresIn: 50);
        _workers.ExpectMsg<AlignImage>();
        _workers.ExpectMsg<AlignImage>();
        Statistics();
        Advance(50);
        _ingress.Tell(new ImageRefused(Key(1), ErrorCodes.CorruptImage, "broken"), _workers.Ref);
        Assert.Equal([1UL, 3, 4], _asker.ReceiveN(3).Cast<ImageOutcome>().Select(o => o.Key.Tag));

        Send(5);

        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(5));
    }

    [Fact]
    public void An_image_that_has_expired_on_arrival_is_refused()
    {
        Send(1, expiresIn: 0);

        Assert.Equal(ErrorCodes.Expired, Outcome(1).Error!.Code);
        Assert.False(_workers.HasMessages);
    }

    [Fact]
    public void An_image_that_expires_during_its_alignment_is_refused_before_the_model_sees_it()
    {
        Send(1, expiresIn: 50);
        _workers.ExpectMsg<AlignImage>();
        Advance(50);

        _workers.Reply(Aligned(1, faces: 1));

        var result = Outcome(1);
        Assert.Equal(ErrorCodes.Expired, result.Error!.Code);
        Assert.NotNull(result.Image);
        Assert.False(_batcher.HasMessages);
    }

    [Fact]
    public void An_image_beyond_the_queue_bound_is_refused()
    {
        SendMany(1, 4);

        Send(5);

        Assert.Equal(ErrorCodes.Overloaded, Outcome(5).Error!.Code);
        Assert.Equal((4, 2), (Statistics().InFlight, Statistics().Waiting));
    }

    [Fact]
    public void What_the_header_betrays_needs_no_worker()
    {
        Send(1, []);
        Send(2, "no picture"u8.ToArray());
        Send(3, TestPictures.PngHeaderOnly(1001, 10));
        Send(4, Picture[..^20]);
        Send(5, new byte[ImageLimits.Default.MaxBytes + 1]);

        Assert.Equal(
            [ErrorCodes.EmptyBody, ErrorCodes.UnsupportedFormat, ErrorCodes.TooLarge, ErrorCodes.CorruptImage, ErrorCodes.TooLarge],
            Enumerable.Range(1, 5).Select(i => Outcome((ulong)i).Error!.Code));
        Assert.False(_workers.HasMessages);
    }

    [Fact]
    public void A_delivery_that_is_handed_in_twice_is_answered_once()
    {
        Send(1);
        EventFilter.Error(contains: "twice").ExpectOne(() => Send(1));
        _workers.ExpectMsg<AlignImage>();

        _workers.Reply(Aligned(1, faces: 0));

        Outcome(1);
        Assert.Equal((1L, 0), (Statistics().WithoutFaces, Statistics().InFlight));
        Assert.False(_asker.HasMessages);
        Assert.False(_workers.HasMessages);
    }

    [Fact]
    public void Answers_for_images_that_are_not_here_are_passed_over()
    {
        _ingress.Tell(Aligned(8, faces: 1));
        _ingress.Tell(new ImageRefused(Key(8), ErrorCodes.CorruptImage, "broken"));
        _ingress.Tell(Classified(8, 1));
        _ingress.Tell(new FacesRefused(Key(8), ErrorCodes.ModelFailure, "broken"));

        SendMany(1, 2);

        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(1));
        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(2));
        Assert.Empty(Statistics().Errors);
    }

    [Fact]
    public void A_refusal_of_the_batcher_is_the_images_outcome_and_keeps_what_is_known_of_it()
    {
        Send(1);
        _workers.ExpectMsg<AlignImage>();
        _workers.Reply(Aligned(1, faces: 1));
        _batcher.ExpectMsg<ClassifyFaces>();

        _batcher.Reply(new FacesRefused(Key(1), ErrorCodes.Overloaded, "later"));

        var result = Outcome(1);
        Assert.Equal(new ErrorDetail(ErrorCodes.Overloaded, "later"), result.Error);
        Assert.Equal(new ImageInfo(10, 20, "png"), result.Image);
        Assert.Equal((1.5, 2.5, 3.5), (result.TimingsMs.Decode, result.TimingsMs.Detect, result.TimingsMs.Align));
        Assert.Empty(result.Faces);
    }

    [Fact]
    public void A_clock_that_goes_back_makes_no_negative_times()
    {
        Send(1);
        _workers.ExpectMsg<AlignImage>();
        _time.WallClockError = TimeSpan.FromHours(-1);

        _workers.Reply(Aligned(1, faces: 0));

        Assert.Equal(0, Outcome(1).TimingsMs.Total);
    }

    [Fact]
    public void A_fault_of_the_actor_itself_answers_every_image_and_it_goes_on()
    {
        SendMany(1, 3);
        _workers.ExpectMsg<AlignImage>();
        _workers.ExpectMsg<AlignImage>();
        _ingress.Tell(Aligned(1, faces: 1));
        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(3));

        _ingress.Tell(new FacesClassified(Key(1), [new FacePrediction([])], Identity, 0, 0));

        var outcomes = _asker.ReceiveN(3).Cast<ImageOutcome>().ToList();
        Assert.Equal(new ulong[] { 1, 2, 3 }, outcomes.Select(o => o.Key.Tag).Order());
        Assert.All(outcomes, o => Assert.Equal(ErrorCodes.Internal, o.Result.Error!.Code));
        Send(4);
        _workers.ExpectMsg<AlignImage>(m => m.Key == Key(4));
        _workers.Reply(Aligned(4, faces: 0));
        Assert.Null(Outcome(4).Error);
    }

    private void SendMany(ulong first, ulong last)
    {
        for (var tag = first; tag <= last; tag++)
        {
            Send(tag);
        }
    }

    private void Send(ulong tag, byte[]? body = null, int? expiresIn = null, bool alone = false)
    {
        var now = _time.GetUtcNow();
        var expiresAt = expiresIn is { } ms ? now + TimeSpan.FromMilliseconds(ms) : (DateTimeOffset?)null;
        _ingress.Tell(
            new ClassifyImage(
                Key(tag), $"message-{tag}", $"correlation-{tag}", body ?? Picture, RequestOptions.Default, now - TimeSpan.FromMilliseconds(10), expiresAt, alone),
            _asker.Ref);
        Statistics();
    }

    // Also the proof that everything told before has been handled.
    private PipelineStatistics Statistics()
    {
        _ingress.Tell(GetPipelineStatistics.Instance, TestActor);
        return ExpectMsg<PipelineStatistics>();
    }

    private void Advance(int milliseconds) => ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromMilliseconds(milliseconds));

    private ClassificationResult Outcome(ulong tag)
    {
        var outcome = _asker.ExpectMsg<ImageOutcome>();
        Assert.Equal(Key(tag), outcome.Key);
        Assert.Equal($"message-{tag}", outcome.Result.MessageId);
        return outcome.Result;
    }

    private static DeliveryKey Key(ulong tag) => new(1, tag);

    private static ImageAligned Aligned(ulong tag, int faces)
    {
        var face = new DetectedFace(new FaceBox(1, 2, 3, 4), null, 0.7);
        var aligned = new AlignedFace(face, 12.5, new FaceCrop([1]), [9]);
        return new ImageAligned(Key(tag), new ImageInfo(10, 20, "png"), [.. Enumerable.Repeat(aligned, faces)], 1.5, 2.5, 3.5)
        {
            Detection = new DetectionSummary(faces + 36, IsCut: true, 0.16),
        };
    }

    private static FacesClassified Classified(ulong tag, int faces)
    {
        var prediction = new FacePrediction([0.1f, 0.1f, 0.1f, 0.1f, 0.05f, 0.5f, 0.05f]);
        return new FacesClassified(Key(tag), [.. Enumerable.Repeat(prediction, faces)], Identity, QueueMs: 4, InferMs: 6);
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target) => ReceiveAny(target.Forward);
    }
}
