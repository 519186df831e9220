using Akka.Actor;
using FerActors.Inference.Drift;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Drift;

public sealed class DriftMonitorActorSpecs : PatientKit
{
    private const int Side = 48;

    private static readonly ModelIdentity Watched = new("fer", "v1", new string('a', 64));

    private static DriftOptions Options { get; } = new() { Enabled = true, Window = 100, MinSamples = 50, SelfReference = 100 };

    [Fact]
    public void Usual_faces_leave_everything_as_it_is()
    {
        var monitor = Start(Reference());

        Answer(Watched, Enumerable.Range(0, 200).Select(i => Face(i)));

        var status = Status(monitor);
        Assert.Equal((DriftLevel.Ok, 200, 0), (status.Level, status.Samples, status.Ignored));
        Assert.Null(status.Problem);
    }

    [Fact]
    public void Darker_faces_are_warned_of_and_told_to_whoever_listens()
    {
        var monitor = Start(Reference());
        Sys.EventStream.Subscribe(TestActor, typeof(DriftLevelChanged));

        EventFilter.Warning(contains: "Drift of Brightness: Ok to").ExpectOne(() =>
            Answer(Watched, Enumerable.Range(0, 60).Select(i => Face(i, darker: 60))));

        Assert.Equal(DriftSignal.Brightness, ExpectMsg<DriftLevelChanged>(change => change.Signal == DriftSignal.Brightness).Signal);
        Assert.Equal(DriftLevel.Alert, Status(monitor).Level);
    }

    [Fact]
    public void Answers_of_other_weights_are_counted_and_not_compared()
    {
        var monitor = Start(Reference());

        Answer(Watched with { WeightsSha256 = new string('b', 64) }, Enumerable.Range(0, 80).Select(i => Face(i, darker: 60)));

        var status = Status(monitor);
        Assert.Equal((DriftLevel.Ok, 0, 80), (status.Level, status.Samples, status.Ignored));
    }

    [Fact]
    public void A_face_that_was_cropped_by_its_publisher_has_no_size_and_no_score()
    {
        var monitor = Start(Reference());

        Answer(Watched, Enumerable.Range(0, 30).Select(i => Face(i)), aligned: true);
        Answer(Watched, Enumerable.Range(0, 20).Select(i => Face(i)));

        var status = Status(monitor);
        Assert.Equal(50, status.Samples);
        Assert.All(
            status.Signals.Where(signal => signal.Signal.IsSelfReferenced()),
            signal => Assert.Equal(20, signal.Learning));
    }

    [Fact]
    public void A_crop_that_is_no_square_is_passed_over()
    {
        var monitor = Start(Reference());

        Answer(Watched, [Face(1) with { Crop = new FaceCrop(new byte[17]) }, Face(2)]);

        var status = Status(monitor);
        Assert.Equal((1, 1), (status.Samples, status.Ignored));
    }

    [Fact]
    public void Without_a_reference_it_says_why_once_and_rests()
    {
        IActorRef monitor = ActorRefs.Nobody;
        EventFilter.Warning(contains: "Drift is not watched: there is no file").ExpectOne(() => monitor = Start(null, "there is no file"));

        Answer(Watched, [Face(1)]);

        var status = Status(monitor);
        Assert.Equal("there is no file", status.Problem);
        Assert.Null(status.WeightsSha256);
        Assert.Empty(status.Signals);
    }

    private IActorRef Start(DriftReference? reference, string? problem = null)
    {
        var monitor = Sys.ActorOf(Props.Create(() => new DriftMonitorActor(reference, problem, Options)));
        Status(monitor);
        return monitor;
    }

    // The monitor answers when it has started, and after all that was sent before.
    private DriftStatus Status(IActorRef monitor)
    {
        monitor.Tell(GetDriftStatus.Instance, TestActor);
        return FishForMessage<DriftStatus>(_ => true);
    }

    private void Answer(ModelIdentity model, IEnumerable<AlignedFace> faces, bool aligned = false)
    {
        var all = faces.ToList();
        Sys.EventStream.Publish(new FacesAnswered(model, [.. all.Select(face => new AnsweredFace(face.Face, face.Crop))], [.. all.Select((_, i) => Prediction(i))], aligned));
    }

    private static DriftReference Reference() => DriftReference.Of(
        [
            .. Enumerable.Range(0, 1000).Select(i => new DriftSample(
                CropStatistics.Measure(Face(i).Crop.Gray, Side), (Expression)(i % ExpressionNames.Count), Prediction(i).Probabilities.Max())),
        ],
        Watched.WeightsSha256,
        new string('c', 64),
        "PublicTest");

    private static AlignedFace Face(int number, int darker = 0)
    {
        var random = new Random(number % 100);
        var level = 90 + random.Next(80) - darker;
        var gray = new byte[Side * Side];
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = (byte)Math.Clamp(level + random.Next(-20, 21), 0, 255);
        }

        return new AlignedFace(new DetectedFace(new FaceBox(0, 0, 100 + random.Next(20), 100), null, 0.9), 0, new FaceCrop(gray), null);
    }

    // Each expression in turn, with confidences spread alike in the reference and afterwards.
    private static FacePrediction Prediction(int number)
    {
        var confidence = 0.3f + (0.6f * (number * 37 % 100) / 100f);
        var probabilities = Enumerable.Repeat((1 - confidence) / 6, ExpressionNames.Count).ToArray();
        probabilities[number % ExpressionNames.Count] = confidence;
        return new FacePrediction(probabilities);
    }
}
