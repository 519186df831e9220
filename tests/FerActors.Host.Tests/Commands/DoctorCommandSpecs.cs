using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FerActors.Host.Commands;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Tests.Commands;

/// <summary><c>fer doctor</c> before a real broker: what it finds, and that it changes nothing.</summary>
[Collection(BrokerCollection.Name)]
public sealed class DoctorCommandSpecs(BrokerNode broker) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-doctor-").FullName;
    private NodeQueues? _queues;

    private NodeQueues Queues => _queues!;

    public async Task InitializeAsync() => _queues = broker.Uri is null ? null : await NodeQueues.DeclareAsync(broker);

    public async Task DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
        if (_queues is not null)
        {
            await _queues.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task A_node_that_can_start_has_no_failure_and_nothing_was_changed()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await Queues.PublishAsync("waiting", [1]);
        var before = Directory.GetFileSystemEntries(_folder);

        var (code, findings) = await ExamineAsync("Cluster:Roles=inference,control,training,api", "Api:Urls=http://127.0.0.1:0", $"Model:Path={Surroundings.ShippedModel}");

        Assert.True(code == 0, Text(findings));
        Assert.All(
            ["configuration", "broker name", "broker port", "broker login", "virtual host", "broker exchange", "reply queues", "database", "ports", "open files", "OpenCV", "libtorch", "model"],
            check => Assert.Contains(findings, finding => finding.Check == check && finding.Level == "ok"));
        Assert.Contains(findings, finding => finding.Check == "detector" && finding.Level is "ok" or "warning");
        Assert.Contains(findings, finding => finding.Check == "model" && finding.Text.Contains("sha256:", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Check == $"queue {Queues.Options.ImagesQueue}" && finding.Text.Contains("exists with the arguments", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Check == $"queue {Queues.Options.FeedbackQueue}" && finding.Text.Contains("does not exist yet", StringComparison.Ordinal));
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder));
        var waiting = await Queues.Client.NextAsync(Queues.Options.ImagesQueue);
        Assert.False(waiting.Properties.Headers?.ContainsKey("x-delivery-count") ?? false);
        await Assert.ThrowsAsync<RabbitMQ.Client.Exceptions.OperationInterruptedException>(
            () => Queues.Client.Channel.QueueDeclarePassiveAsync(Queues.Options.FeedbackQueue));
    }

    [SkippableTheory]
    [InlineData("amqp://guest:guest@no-such-host.invalid/", "broker name", "cannot be resolved")]
    [InlineData("amqp://guest:guest@127.0.0.1:1/", "broker port", "takes no connection")]
    [InlineData("amqp://guest:s3cret@{0}:{1}/", "broker login", "refuses the user 'guest'")]
    [InlineData("amqp://{2}@{0}:{1}/no-such-place", "virtual host", "'no-such-place' is refused")]
    [InlineData("amqps://{2}@{0}:{1}/", "broker TLS", "TLS")]
    public async Task Each_step_to_the_broker_has_its_own_sentence(string uri, string check, string sentence)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        var at = new Uri(broker.Uri);
        var address = string.Format(System.Globalization.CultureInfo.InvariantCulture, uri, at.Host, at.Port, at.UserInfo);

        var (code, findings) = await ExamineAsync("Cluster:Roles=api", "Api:Urls=http://127.0.0.1:0", $"RabbitMq:Uri={address}");

        Assert.Equal(1, code);
        var failure = Assert.Single(findings, finding => finding.Level == "failure");
        Assert.Equal(check, failure.Check);
        Assert.Contains(sentence, failure.Text, StringComparison.Ordinal);
        Assert.NotEmpty(failure.Remedy!);
        Assert.DoesNotContain("s3cret", Text(findings), StringComparison.Ordinal);
        Assert.DoesNotContain(findings, finding => finding.Check.StartsWith("queue", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_broker_that_says_nothing_is_waited_for_no_longer_than_a_node_would()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;

        var (code, findings) = await ExamineAsync(
            "Cluster:Roles=api", "Api:Urls=http://127.0.0.1:0", $"RabbitMq:Uri=amqp://127.0.0.1:{port}/", "RabbitMq:ConnectTimeout=00:00:01");

        Assert.Equal(1, code);
        Assert.Contains(findings, finding => finding is { Check: "broker login", Level: "failure" } && finding.Text.StartsWith("No answer within 3 s", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Check == "ports");
    }

    [SkippableFact]
    public async Task A_queue_with_other_arguments_is_named()
    {
        Skip.If(broker.Uri is null, broker.Absence);

        var (code, findings) = await ExamineAsync("Cluster:Roles=api", "Api:Urls=http://127.0.0.1:0", "RabbitMq:DeliveryLimit=7");

        Assert.Equal(1, code);
        var failure = Assert.Single(findings, finding => finding.Level == "failure");
        Assert.Equal($"queue {Queues.Options.ImagesQueue}", failure.Check);
        Assert.Contains("x-delivery-limit", failure.Text, StringComparison.Ordinal);
        Assert.Contains("rabbitmqctl delete_queue", failure.Remedy, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("^$", ".*", ".*", "may not declare it")]
    [InlineData(".*", "^fer.*", ".*", "may not publish through the default exchange")]
    [InlineData(".*", ".*", "^fer\\.dead.*", "may not read from it")]
    public async Task A_right_that_is_missing_is_named(string configure, string write, string read, string sentence)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.IfNot(broker.IsPrivate, "This spec makes users, and FER_TEST_RABBITMQ names a broker that is not ours.");
        var user = "d" + Guid.NewGuid().ToString("N")[..8];
        await broker.ControlAsync("add_user", user, "s3cret");
        await broker.ControlAsync("set_permissions", user, configure, write, read);
        var at = new Uri(broker.Uri);

        var (code, findings) = await ExamineAsync("Cluster:Roles=inference", "Model:Path=/nowhere", $"RabbitMq:Uri=amqp://{user}:s3cret@{at.Host}:{at.Port}/");
        await broker.ControlAsync("delete_user", user);

        Assert.Equal(1, code);
        Assert.Contains(findings, finding => finding.Level == "failure" && finding.Text.Contains(sentence, StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Check: "model", Level: "failure" });
        Assert.DoesNotContain("s3cret", Text(findings), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Tables_that_are_missing_a_folder_that_is_a_file_a_port_that_is_taken_and_a_key_that_all_can_read_are_named()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(OperatingSystem.IsWindows(), "Modes of files are Unix's.");
        await File.WriteAllTextAsync(Path.Combine(_folder, "file"), "");
        await File.WriteAllTextAsync(Path.Combine(_folder, "token"), "a token of 16 bytes or more");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder, (UnixFileMode)0b_111_101_101);
            File.SetUnixFileMode(Path.Combine(_folder, "token"), (UnixFileMode)0b_110_100_100);
        }

        var journal = Path.Combine(_folder, "journal.db");
        await using (var empty = new SqliteConnection($"Data Source={journal};Pooling=false"))
        {
            await empty.OpenAsync();
            await using var command = empty.CreateCommand();
            command.CommandText = "CREATE TABLE other (a int)";
            await command.ExecuteNonQueryAsync();
        }

        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var (code, findings) = await ExamineAsync(
            "Cluster:Roles=control",
            $"Persistence:ConnectionString=Data Source={journal}",
            "Persistence:AutoInitialize=false",
            $"Registry:Root={Path.Combine(_folder, "file", "registry")}",
            $"Control:TokenFile={Path.Combine(_folder, "token")}",
            $"Health:Port={((IPEndPoint)taken.LocalEndpoint).Port}");

        Assert.Equal(1, code);
        Assert.Contains(findings, finding => finding is { Check: "database", Level: "failure" } && finding.Remedy!.Contains("fer migrate", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Check: "folder Registry:Root", Level: "failure" } && finding.Text.Contains("is a file", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Check: "ports", Level: "failure" } && finding.Text.Contains("Health:Port", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Check: "secret files", Level: "warning" } && finding.Text.Contains("Control:TokenFile", StringComparison.Ordinal));
    }

    [Fact]
    public async Task All_mistakes_of_the_configuration_are_failures_and_nothing_else_is_looked_at()
    {
        var (code, output, _) = await RunAsync("doctor", "--set", "RabbitMq:Prefetch=0", "--set", "Batchng:MaxBatchSize=4");

        Assert.Equal(1, code);
        var lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.All(lines[..2], line => Assert.StartsWith("FAILURE  configuration: ", line, StringComparison.Ordinal));
        Assert.Contains("Prefetch", output, StringComparison.Ordinal);
        Assert.Contains("Is Batching:MaxBatchSize meant?", output, StringComparison.Ordinal);
        Assert.Equal("2 failures, 0 warnings.", lines[2]);
    }

    private static string Text(IEnumerable<Seen> findings) => string.Join('\n', findings);

    private async Task<(int Code, IReadOnlyList<Seen> Findings)> ExamineAsync(params string[] settings)
    {
        string[] all =
        [
            .. Queues.Settings,
            $"Persistence:ConnectionString=Data Source={Path.Combine(_folder, "data", "journal.db")}",
            $"Registry:Root={Path.Combine(_folder, "data", "registry")}",
            $"Training:RunsFolder={Path.Combine(_folder, "data", "runs")}",
            $"Feedback:Folder={Path.Combine(_folder, "data", "feedback")}",
            $"Control:Socket={Path.Combine(_folder, "data", "control.sock")}",
            .. settings,
        ];
        var (code, output, errors) = await RunAsync(["doctor", "--json", .. all.SelectMany(setting => new[] { "--set", setting })]);
        Assert.True(output.Length > 0, errors);
        var findings = JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray().Select(finding => new Seen(
            finding.GetProperty("check").GetString()!,
            finding.GetProperty("level").GetString()!,
            finding.GetProperty("text").GetString()!,
            finding.TryGetProperty("remedy", out var remedy) ? remedy.GetString() : null));
        return (code, [.. findings]);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await FerCommandLine.RunAsync(arguments, (output, errors)).WaitAsync(Patience);
        return (code, output.ToString(), errors.ToString());
    }

    private sealed record Seen(string Check, string Level, string Text, string? Remedy);
}
