using System.Text.Json;
using FerActors.Inference.Models;
using FerActors.Lab.Bench;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using OpenCvSharp;

namespace FerActors.Lab.Tests.Bench;

/// <summary>The bench's plain consumer on a real broker: measured where its answers are the node's, and nowhere else.</summary>
[Collection(BrokerCollection.Name)]
public sealed class BenchPeerSpecs(BrokerNode broker) : IDisposable
{
    private const string KeyError = "raise KeyError('stem.0.0_norm.weight')\n";

    private static readonly string Script = Path.Combine(Surroundings.Root, "scripts", "peers", "plain_consumer.py");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-peer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(32)]
    public async Task A_consumer_with_the_nodes_answers_is_measured_and_says_which_blas_it_has(int batch)
    {
        var (figure, says) = await MeasureAsync(Script, batch);

        Assert.IsType<Figure.Measured>(figure);
        Assert.Contains("openblas", says, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableFact]
    public async Task A_consumer_that_computes_something_else_is_not_measured_however_fast_it_is()
    {
        var script = await ScriptAsync(
            $"""
            import runpy, sys
            sys.path.insert(0, {JsonSerializer.Serialize(Path.GetDirectoryName(Script))})
            import plain_model
            load = plain_model.Vit.__init__
            def changed(self, *arguments):
                load(self, *arguments)
                self.temperature *= 3
            plain_model.Vit.__init__ = changed
            runpy.run_path({JsonSerializer.Serialize(Script)}, run_name="__main__")
            """);

        var (figure, _) = await MeasureAsync(script, batch: 1);

        Assert.Contains("differs from the node's", Assert.IsType<Figure.NotMeasured>(figure).Why, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_consumer_that_dies_at_its_start_is_not_measured()
    {
        var (figure, says) = await MeasureAsync(await ScriptAsync(KeyError), batch: 1);

        Assert.Contains("it ended with code 1: KeyError", Assert.IsType<Figure.NotMeasured>(figure).Why, StringComparison.Ordinal);
        Assert.Contains("KeyError", says, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_consumer_that_dies_of_an_image_is_not_measured_and_nobody_waits_for_it()
    {
        var script = await ScriptAsync(
            $"""
            import runpy, sys
            sys.path.insert(0, {JsonSerializer.Serialize(Path.GetDirectoryName(Script))})
            import plain_faces
            def fails(bgr, side):
                {KeyError}
            plain_faces.shrink = fails
            runpy.run_path({JsonSerializer.Serialize(Script)}, run_name="__main__")
            """);

        var (figure, _) = await MeasureAsync(script, batch: 1);

        Assert.Contains("it ended with code 1: KeyError", Assert.IsType<Figure.NotMeasured>(figure).Why, StringComparison.Ordinal);
    }

    private async Task<string> ScriptAsync(string text)
    {
        var file = Path.Combine(_folder, "consumer.py");
        await File.WriteAllTextAsync(file, text);
        return file;
    }

    private async Task<(Figure Figure, string Says)> MeasureAsync(string script, int batch)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var (python, absence) = await PlainPeer.FindAsync(Script, CancellationToken.None);
        Skip.If(python is null, $"The plain consumer cannot run: {absence}");
        var options = new FerOptions
        {
            RabbitMq = new RabbitMqOptions { Uri = broker.Uri! },
            Model = new ModelOptions { Path = Surroundings.ShippedModel, Precision = "fp32" },
            Detection = new DetectionOptions { Detector = DetectorKind.Haar },
        };
        var load = Workload.CroppedFaces();
        var queues = BenchQueues.Create(options.RabbitMq);
        await using var client = await LoadClient.ConnectAsync(queues, Patience, CancellationToken.None);
        try
        {
            await using var peer = await BenchPeer.StartAsync(python!, script, options, queues, client, batch, CancellationToken.None);
            await peer.CheckAsync(load, Answers(options.Model, load), tolerance: 0.01, client, CancellationToken.None);
            return (await peer.MeasureAsync(load, Window, client, CancellationToken.None), peer.Says);
        }
        finally
        {
            await client.DeleteAsync(queues);
        }
    }

    // What a node in fp32 answers, without the node.
    private static List<ClassificationResult> Answers(ModelOptions options, Workload load)
    {
        using var model = VitExpressionModel.Load(options, []);
        var crops = load.Bodies.Select(body =>
        {
            using var gray = Cv2.ImDecode(body, ImreadModes.Grayscale);
            return new FaceCrop(gray.AsSpan<byte>().ToArray());
        }).ToList();
        return [.. model.Predict(crops).Select(prediction => new ClassificationResult
        {
            MessageId = "image",
            Node = "node",
            Faces =
            [
                new FaceResult(
                    new FaceBox(0, 0, model.InputSide, model.InputSide),
                    null,
                    0,
                    null,
                    default,
                    "",
                    0,
                    [.. prediction.Probabilities.Select((p, i) => new EmotionProbability((Expression)i, "", p))]),
            ],
        })];
    }
}
