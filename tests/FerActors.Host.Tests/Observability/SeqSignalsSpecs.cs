using System.Text.Json;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using FerActors.Host.Results;
using FerActors.Host.Tests.Http;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Expressions;
using Serilog.Extensions.Logging;

namespace FerActors.Host.Tests.Observability;

/// <summary>The signals for Seq, tried on events. Seq's filters and Serilog.Expressions are one language by the same hands.</summary>
public sealed class SeqSignalsSpecs : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // As the importer of seqcli reads the file: an entity a line.
    private static List<Signal> Signals { get; } =
        [.. File.ReadAllLines(Path.Combine(Surroundings.Root, "deploy", "monitoring", "seq-signals.json"))
            .Where(line => line.Length > 0)
            .Select(line => JsonSerializer.Deserialize<Signal>(line)!)];

    [Fact]
    public void Each_signal_has_a_title_of_its_own_and_a_filter_that_the_operations_page_lists()
    {
        var page = File.ReadAllText(Path.Combine(Surroundings.Root, "docs", "operations.md"));

        Assert.Equal(8, Signals.Select(signal => signal.Title).Distinct().Count());
        Assert.All(Signals, signal =>
        {
            Assert.Equal(("Explicit", "FerActors"), (signal.Grouping, signal.ExplicitGroupName));
            var filter = Assert.Single(signal.Filters);
            Assert.Equal(filter.Filter, filter.FilterNonStrict);
            Assert.True(SerilogExpression.TryCompile(Translated(filter.Filter), out _, out var error), $"{filter.Filter}: {error}");
            Assert.True(signal.Title.EndsWith("without a face", StringComparison.Ordinal) || page.Contains($"`{filter.Filter}`", StringComparison.Ordinal), filter.Filter);
        });
    }

    [Fact]
    public async Task Each_signal_takes_the_events_that_it_is_about_and_no_others()
    {
        var events = new List<LogEvent>();
        using var logger = new LoggerConfiguration().WriteTo.Sink(new Collector(events)).CreateLogger();
        using var factory = new SerilogLoggerFactory(logger);
        var log = factory.CreateLogger(ResultLogActor.Category);
        var actor = Sys.ActorOf(Props.Create(() => new ResultLogActor(log)));
        await actor.Ask<ActorIdentity>(new Identify(1), Patience);
        var image = new ClassifyImage(new DeliveryKey(1, 1), "m", null, new byte[] { 1 }, RequestOptions.Default, DateTimeOffset.UnixEpoch, null, Alone: false);
        var happy = HappyFaces.In(image).Result;
        Publish(happy);
        Publish(happy with { Faces = [happy.Faces[0] with { Confidence = 0.3 }] });
        Publish(happy with { Faces = [] });
        Publish(ClassificationResult.Failed("m", null, "n", ErrorCodes.CorruptImage, "It is damaged."));
        await AwaitConditionAsync(() => Task.FromResult(Copy().Count == 4), Patience);
        logger.Information("Feedback on {MessageId}: {Source} says {Label} where {ModelVersion} said {Predicted}", "m", "anna", "Sad", "1", "Happy");
        logger.Information("Feedback on {MessageId}: {Source} says {Label} where {ModelVersion} said {Predicted}", "m", "anna", "Sad", "1", "Sad");
        logger.Warning("Drift of {Signal}: {From} to {To}", "Brightness", "Ok", "Alert");
        logger.Information("The {Slot} is version {ModelVersion}", "champion", "2");
        logger.Warning("The {Role} lost connection {Epoch} to {Broker}", "consumer", 1, "amqp://b");
        logger.Warning("The {Role} cannot connect to {Broker}", "consumer", "amqp://b");
        logger.Information("Something else");

        var taken = Signals.ToDictionary(signal => signal.Title, signal =>
        {
            var filter = SerilogExpression.Compile(Translated(signal.Filters[0].Filter));
            return string.Join(' ', Copy().Select((e, i) => (e, i)).Where(pair => ExpressionResult.IsTrue(filter(pair.e))).Select(pair => pair.i));
        });

        Assert.Equal("0 1 2 3", taken["FerActors: results"]);
        Assert.Equal("3", taken["FerActors: images that failed"]);
        Assert.Equal("2", taken["FerActors: images without a face"]);
        Assert.Equal("1", taken["FerActors: uncertain answers"]);
        Assert.Equal("4", taken["FerActors: corrections"]);
        Assert.Equal("6", taken["FerActors: drift"]);
        Assert.Equal("7", taken["FerActors: swaps of models"]);
        Assert.Equal("8 9", taken["FerActors: broker trouble"]);

        void Publish(ClassificationResult result) => Sys.EventStream.Publish(new ResultMade(result));

        List<LogEvent> Copy()
        {
            lock (events)
            {
                return [.. events];
            }
        }
    }

    // Seq's name for what Serilog.Expressions calls @mt.
    private static string Translated(string filter) => filter.Replace("@MessageTemplate", "@mt", StringComparison.Ordinal);

    private sealed class Collector(List<LogEvent> events) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            lock (events)
            {
                events.Add(logEvent);
            }
        }
    }

    private sealed record Signal(string Title, string Description, IReadOnlyList<SignalFilter> Filters, string Grouping, string ExplicitGroupName);

    private sealed record SignalFilter(string Description, string Filter, string FilterNonStrict);
}
