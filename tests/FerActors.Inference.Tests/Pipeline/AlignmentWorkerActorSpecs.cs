using Akka.Actor;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;

namespace FerActors.Inference.Tests.Pipeline;

public sealed class AlignmentWorkerActorSpecs : PatientKit
{
    private readonly FakeFaceDetector _detector = new();
    private int _created;

    [Fact]
    public void An_image_is_answered_with_its_faces()
    {
        var worker = Worker();

        Send(worker, 1, FakeFaceDetector.Picture(2));

        Assert.Equal(2, ExpectMsg<ImageAligned>(m => m.Key.Tag == 1).Faces.Count);
    }

    [Fact]
    public void All_native_work_is_done_by_one_thread_and_with_one_extractor()
    {
        var worker = Worker();

        for (var tag = 1UL; tag <= 5; tag++)
        {
            Send(worker, tag, FakeFaceDetector.Picture(1));
            ExpectMsg<ImageAligned>();
        }

        Assert.Equal(1, _created);
        Assert.Equal(5, _detector.Threads.Count);
        Assert.Equal(worker.Path.Name, Assert.Single(_detector.Threads.Distinct()).Name);
    }

    [Fact]
    public void A_refused_image_says_why()
    {
        var worker = Worker();

        Send(worker, 1, "no picture"u8.ToArray());

        var refused = ExpectMsg<ImageRefused>();
        Assert.Equal((1UL, ErrorCodes.UnsupportedFormat), (refused.Key.Tag, refused.Code));
        Assert.NotEmpty(refused.Message);
    }

    [Fact]
    public void An_unexpected_fault_is_an_internal_error_that_tells_nothing_and_the_worker_goes_on()
    {
        var worker = Worker();

        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => Send(worker, 1, FakeFaceDetector.Picture(FakeFaceDetector.Breaks)));

        var refused = ExpectMsg<ImageRefused>();
        Assert.Equal((1UL, ErrorCodes.Internal), (refused.Key.Tag, refused.Code));
        Assert.DoesNotContain("on purpose", refused.Message, StringComparison.Ordinal);
        Send(worker, 2, FakeFaceDetector.Picture(1));
        ExpectMsg<ImageAligned>(m => m.Key.Tag == 2);
    }

    [Fact]
    public void An_extractor_that_cannot_be_made_is_tried_again_with_the_next_image()
    {
        var attempts = 0;
        Func<FaceExtractor> create = () => attempts++ == 0 ? throw new FileNotFoundException("the detector's model") : Extractor();
        var worker = Sys.ActorOf(Props.Create(() => new AlignmentWorkerActor(create)));

        Send(worker, 1, FakeFaceDetector.Picture(1));
        Assert.Equal(ErrorCodes.Internal, ExpectMsg<ImageRefused>().Code);
        Send(worker, 2, FakeFaceDetector.Picture(1));

        ExpectMsg<ImageAligned>();
    }

    [Fact]
    public void The_extractor_goes_after_the_image_that_is_under_way()
    {
        var worker = Worker();
        _detector.Gate.Reset();
        Send(worker, 1, FakeFaceDetector.Picture(1));
        Assert.True(_detector.Entered.Wait(TimeSpan.FromSeconds(10)));
        Watch(worker);
        Sys.Stop(worker);
        ExpectTerminated(worker);
        Assert.False(_detector.Disposed.IsSet);

        _detector.Gate.Set();

        ExpectMsg<ImageAligned>();
        Assert.True(_detector.Disposed.Wait(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void A_worker_that_never_had_an_image_stops_without_ado()
    {
        var worker = Worker();
        Watch(worker);

        Sys.Stop(worker);

        ExpectTerminated(worker);
        Assert.Equal(0, _created);
    }

    private IActorRef Worker() => Sys.ActorOf(Props.Create(() => new AlignmentWorkerActor(Extractor)), "worker");

    private FaceExtractor Extractor()
    {
        _created++;
        return new FaceExtractor(_detector, ImageLimits.Default, FaceAlignment.Similarity, 16);
    }

    private void Send(IActorRef worker, ulong tag, byte[] body) =>
        worker.Tell(new AlignImage(new DeliveryKey(1, tag), body, RequestOptions.Default), TestActor);
}
