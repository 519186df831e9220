using Akka.Actor;
using FerActors.Host.Observability;
using FerActors.Host.Results;
using FerActors.Host.Tests.Brokers;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using Microsoft.Extensions.Configuration;
using Serilog;
using Serilog.Extensions.Logging;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Observability;

/// <summary>Structured events as a Seq server receives them.</summary>
public sealed class SeqSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string Secret = "a-key-for-seq";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-seq-").FullName;

    [SkippableFact]
    public async Task Each_result_is_one_event_with_its_facts_and_without_its_picture()
    {
        await using var seq = await SeqReceiver.StartAsync();
        var log = Logger(seq);
        LogResults(log);
        await StartAsync();
        byte[] picture = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];

        await SendAsync("m-1", picture);
        await SendAsync("m-2", more: properties => properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Faces] = "some" });
        await Client.TakeAsync(Options.ResultsQueue, 2);

        // A result can be read before it is logged: the logger stays until both events have come.
        await UntilAsync(() => Task.FromResult(seq.Events.Count == 2));
        await log.DisposeAsync();
        var one = seq.Events.Single(e => e.GetProperty("MessageId").GetString() == "m-1");
        Assert.Equal("no_face", one.GetProperty("Outcome").GetString());
        Assert.Equal(0, one.GetProperty("Faces").GetInt32());
        Assert.Equal(FakePipeline.Version, one.GetProperty("ModelVersion").GetString());
        Assert.Equal("test", one.GetProperty("Node").GetString());
        Assert.Equal(ResultLogActor.Category, one.GetProperty("SourceContext").GetString());
        Assert.All(
            ["@t", "@mt", "Label", "Confidence", "DecodeMs", "DetectMs", "AlignMs", "QueueMs", "InferMs", "TotalMs"],
            name => Assert.True(one.TryGetProperty(name, out _), name));
        Assert.Equal(
            ErrorCodes.InvalidHeader, seq.Events.Single(e => e.GetProperty("MessageId").GetString() == "m-2").GetProperty("Outcome").GetString());
        Assert.Equal(Secret, seq.ApiKey);
        Assert.DoesNotContain(Secret, seq.Raw, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(picture)[..40], seq.Raw, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Events_outlive_a_server_that_is_down_and_a_restart_of_the_node()
    {
        RequireBroker();
        await using var seq = await SeqReceiver.StartAsync();
        seq.Down = true;
        var first = Logger(seq);
        first.Information("Before {Number}", 1);
        await UntilAsync(() => Task.FromResult(seq.Refused > 0));
        await first.DisposeAsync();

        seq.Down = false;
        await using var second = Logger(seq);
        second.Information("After {Number}", 2);

        await UntilAsync(() => Task.FromResult(seq.Events.Count == 2));
        Assert.Equal([1, 2], seq.Events.Select(e => e.GetProperty("Number").GetInt32()));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_folder, recursive: true);
    }

    private Serilog.Core.Logger Logger(SeqReceiver seq)
    {
        var key = Path.Combine(_folder, "key");
        File.WriteAllText(key, Secret + "\n");
        var logging = new LoggerConfiguration();
        FerLogging.Configure(logging, new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Seq:ServerUrl"] = seq.Address,
            ["Seq:ApiKeyFile"] = key,
            ["Seq:BufferPath"] = Path.Combine(_folder, "buffer"),
        }).Build());
        return logging.CreateLogger();
    }

    private void LogResults(Serilog.ILogger log)
    {
        var category = new SerilogLoggerFactory(log).CreateLogger(ResultLogActor.Category);
        Sys.ActorOf(Props.Create(() => new ResultLogActor(category)));
    }
}
