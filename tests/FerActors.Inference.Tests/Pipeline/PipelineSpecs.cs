using FerActors.Inference.Faces;
using FerActors.Inference.Serving;
using FerActors.Inference.Tests.Serving;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>Every image that goes in gets exactly one outcome, whatever happens to it.</summary>
public sealed class PipelineSpecs
{
    private static readonly byte[] Good = FakeFaceDetector.Picture(1);

    [Fact]
    public async Task A_good_picture_is_classified()
    {
        await using var pipeline = await HostedPipeline.StartAsync();

        var result = pipeline.Classify(1, Good);

        Assert.Null(result.Error);
        Assert.Equal(pipeline.Model.Identity, result.Model);
        Assert.Equal(new ImageInfo(128, 96, "png"), result.Image);
        Assert.Equal((1, null, null), (result.FacesFound, result.FacesCut, result.SearchScale));
        var face = Assert.Single(result.Faces);
        Assert.Equal((Expression.Happy, "Happy"), (face.Label, face.DominantEmotion));
        Assert.Equal((100 + 256) / 512.0, face.Confidence, 5);
        Assert.Equal(1, face.Emotions.Sum(e => e.Probability), 5);
        Assert.Equal(FakeFaceDetector.Landmarks, face.Landmarks);
        Assert.Equal(FaceGeometry.RollDegrees(FakeFaceDetector.Landmarks), face.RollDegrees);
        Assert.Null(face.Attention);
        Assert.Null(face.CropPng);
        Assert.True(result.TimingsMs.Total > 0);
    }

    [Fact]
    public async Task A_picture_without_faces_is_no_error()
    {
        await using var pipeline = await HostedPipeline.StartAsync();

        var result = pipeline.Classify(1, FakeFaceDetector.Picture(0));

        Assert.Equal("ok", result.Status);
        Assert.Empty(result.Faces);
        Assert.Null(result.Model);
        Assert.Empty(pipeline.Model.Threads);
    }

    [Fact]
    public async Task Twenty_faces_span_batches_and_come_back_together_in_order()
    {
        await using var pipeline = await HostedPipeline.StartAsync(batching: new BatchingOptions { MaxBatchSize = 8 });

        var result = pipeline.Classify(1, FakeFaceDetector.Picture(20));

        Assert.Equal(Enumerable.Range(0, 20).Select(i => 48.0 - i), result.Faces.Select(f => f.Box.Height));
        var statistics = pipeline.BatchingStatistics();
        Assert.Equal((20L, 3L), (statistics.Faces, statistics.Batches));
        Assert.Equal(new Dictionary<int, long> { [4] = 1, [8] = 2 }, statistics.BatchSizes);
    }

    [Fact]
    public async Task Optional_parts_come_on_request()
    {
        await using var pipeline = await HostedPipeline.StartAsync();
        var request = new RequestOptions(FaceSelection.Largest, IncludeParts.Attention | IncludeParts.Crop, Aligned: false);

        var face = Assert.Single(pipeline.Classify(1, FakeFaceDetector.Picture(3), request).Faces);

        Assert.Equal([0.25f, 0.75f], face.Attention!.Values);
        using var crop = Cv2.ImDecode(face.CropPng!, ImreadModes.Grayscale);
        Assert.Equal((8, 8), (crop.Width, crop.Height));
    }

    [Fact]
    public async Task An_aligned_crop_bypasses_the_detector()
    {
        await using var pipeline = await HostedPipeline.StartAsync();

        var result = pipeline.Classify(1, FakeFaceDetector.Picture(0), RequestOptions.Default with { Aligned = true });

        Assert.Equal(new FaceBox(0, 0, 128, 96), Assert.Single(result.Faces).Box);
        Assert.Equal(0, pipeline.Entered.CurrentCount);
    }

    [Fact]
    public async Task What_is_no_picture_is_refused_with_its_code()
    {
        await using var pipeline = await HostedPipeline.StartAsync();

        Assert.Equal(ErrorCodes.UnsupportedFormat, pipeline.Classify(1, "garbage"u8.ToArray()).Error!.Code);
        Assert.Equal(ErrorCodes.EmptyBody, pipeline.Classify(2, []).Error!.Code);
        Assert.Equal(ErrorCodes.Expired, pipeline.Classify(3, Good, expiresAt: DateTimeOffset.UtcNow).Error!.Code);
        Assert.Equal(ErrorCodes.Internal, pipeline.Classify(4, FakeFaceDetector.Picture(FakeFaceDetector.Breaks)).Error!.Code);
        Assert.Null(pipeline.Classify(5, Good).Error);
        Assert.Equal(
            new Dictionary<string, long>
            {
                [ErrorCodes.EmptyBody] = 1,
                [ErrorCodes.Expired] = 1,
                [ErrorCodes.Internal] = 1,
                [ErrorCodes.UnsupportedFormat] = 1,
            },
            pipeline.Statistics().Errors);
    }

    [Fact]
    public async Task Images_beyond_the_queue_bound_are_refused_and_the_others_are_not()
    {
        await using var pipeline = await HostedPipeline.StartAsync(workers: 1, maxQueueSize: 2);
        pipeline.Gate.Reset();

        for (var tag = 1UL; tag <= 6; tag++)
        {
            pipeline.Send(tag, Good);
        }

        var refused = pipeline.Outcomes(3);
        Assert.Equal(new ulong[] { 4, 5, 6 }, refused.Keys.Order());
        Assert.All(refused.Values, r => Assert.Equal(ErrorCodes.Overloaded, r.Error!.Code));
        pipeline.Gate.Set();
        Assert.All(pipeline.Outcomes(3).Values, r => Assert.Null(r.Error));
    }

    [Fact]
    public async Task Of_a_batch_that_fails_only_the_culprit_gets_the_error()
    {
        // One batch takes all: it is sent when the fourth face has come.
        var batching = new BatchingOptions { MaxBatchSize = 4, MaxQueueDelay = TimeSpan.FromMinutes(1), QueueTimeout = TimeSpan.FromHours(1) };
        await using var pipeline = await HostedPipeline.StartAsync(batching: batching);

        pipeline.Send(1, Good);
        pipeline.Send(2, FakeFaceDetector.Picture(1, FakeExpressionModel.Poison));
        pipeline.Send(3, FakeFaceDetector.Picture(2));

        var outcomes = pipeline.Outcomes(3);
        Assert.Equal(ErrorCodes.ModelFailure, outcomes[2].Error!.Code);
        Assert.Equal((1, 2), (outcomes[1].Faces.Count, outcomes[3].Faces.Count));
        var statistics = pipeline.BatchingStatistics();
        Assert.Equal((3L, 4L, 1L), (statistics.Faces, statistics.Batches, statistics.Refused));
    }

    [Fact]
    public async Task A_delivery_that_is_handed_in_twice_gets_one_outcome()
    {
        await using var pipeline = await HostedPipeline.StartAsync();
        pipeline.Gate.Reset();
        pipeline.Send(1, Good);
        pipeline.Send(1, Good);
        pipeline.Statistics();
        pipeline.Gate.Set();

        Assert.Null(Assert.Single(pipeline.Outcomes(1)).Value.Error);
        Assert.Equal((1L, 0), (pipeline.Statistics().Classified, pipeline.Statistics().InFlight));
    }

    [Fact]
    public async Task Three_hundred_images_of_mixed_fates_get_three_hundred_outcomes()
    {
        await using var pipeline = await HostedPipeline.StartAsync(workers: 3);
        (byte[] Body, RequestOptions Request, bool Expired, string? Code, int Faces)[] fates =
        [
            (Good, RequestOptions.Default, false, null, 1),
            (FakeFaceDetector.Picture(5), RequestOptions.Default, false, null, 5),
            (FakeFaceDetector.Picture(0), RequestOptions.Default, false, null, 0),
            (FakeFaceDetector.Picture(11), RequestOptions.Default with { Include = IncludeParts.Attention }, false, null, 11),
            ("garbage"u8.ToArray(), RequestOptions.Default, false, ErrorCodes.UnsupportedFormat, 0),
            ([], RequestOptions.Default, false, ErrorCodes.EmptyBody, 0),
            (Good, RequestOptions.Default, true, ErrorCodes.Expired, 0),
            (FakeFaceDetector.Picture(2, FakeExpressionModel.Poison), RequestOptions.Default, false, ErrorCodes.ModelFailure, 0),
            (FakeFaceDetector.Picture(0), RequestOptions.Default with { Aligned = true }, false, null, 1),
            (FakeFaceDetector.Picture(FakeFaceDetector.Breaks), RequestOptions.Default, false, ErrorCodes.Internal, 0),
            (TestPictures.PngHeaderOnly(20_000, 20_000), RequestOptions.Default, false, ErrorCodes.TooLarge, 0),
            (Good[..^16], RequestOptions.Default, false, ErrorCodes.CorruptImage, 0),
        ];

        Parallel.For(0, 300, i =>
        {
            var fate = fates[i % fates.Length];
            pipeline.Send((ulong)i, fate.Body, fate.Request, fate.Expired ? DateTimeOffset.UtcNow : null, alone: i % 7 == 0);
        });

        var outcomes = pipeline.Outcomes(300);
        Assert.Equal(300, outcomes.Count);
        Assert.All(outcomes, o =>
        {
            var fate = fates[o.Key % (ulong)fates.Length];
            Assert.Equal((fate.Code, fate.Faces), (o.Value.Error?.Code, o.Value.Faces.Count));
            Assert.Equal(fate.Request.Include == IncludeParts.Attention, o.Value.Faces.Any(f => f.Attention is not null));
        });
        var statistics = pipeline.Statistics();
        Assert.Equal((100L, 25L, 175L), (statistics.Classified, statistics.WithoutFaces, statistics.Errors.Values.Sum()));
        Assert.Equal((0, 0), (statistics.InFlight, statistics.Waiting));
        var batching = pipeline.BatchingStatistics();
        Assert.Equal((25L * 18, 0), (batching.Faces, batching.Waiting));
        Assert.True(batching.BatchSizes.Keys.Max() <= 8);
        Assert.Equal(batching.Batches, batching.BatchSizes.Values.Sum());
    }

    [Fact]
    public async Task The_model_is_disposed_when_the_host_stops()
    {
        var pipeline = await HostedPipeline.StartAsync();
        var model = pipeline.Model;
        Assert.Null(pipeline.Classify(1, Good).Error);
        Assert.NotNull(pipeline.Actor<ModelHost>());

        await pipeline.DisposeAsync();

        Assert.True(model.Disposed.Wait(TimeSpan.FromSeconds(10)));
    }
}
