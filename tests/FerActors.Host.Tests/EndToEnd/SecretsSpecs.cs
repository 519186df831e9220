using FerActors.Host.Tests.Observability;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>What the programs write, while everything that they want to reach fails, holds none of the secrets that they were given.</summary>
public sealed class SecretsSpecs : IDisposable
{
    private const string Rabbit = "secret-of-the-broker";
    private const string Database = "secret-of-the-database";
    private const string Control = "secret-of-the-control-endpoint";
    private const string Seq = "secret-of-seq";
    private const string Hub = "hf_secretOfTheHub";
    private const string Mlflow = "secret-of-mlflow";

    private static readonly string[] All = [Rabbit, Database, Control, Seq, Hub, Mlflow];

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-secrets-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_node_whose_broker_and_database_are_away_names_them_without_their_passwords()
    {
        await using var seq = await SeqReceiver.StartAsync();
        string[] settings =
        [
            "Cluster:Roles:0=control",
            "Cluster:Roles:1=training",
            "Cluster:Roles:2=api",
            "Api:Urls=http://127.0.0.1:0",
            $"RabbitMq:Uri=amqp://fer:{Rabbit}@127.0.0.1:1/",
            "Persistence:Provider=PostgreSql",
            $"Persistence:ConnectionString=Host=127.0.0.1;Port=1;Username=fer;Password={Database};Database=fer",
            $"Registry:Root={Path.Combine(_folder, "registry")}",
            $"Training:RunsFolder={Path.Combine(_folder, "runs")}",
            $"Control:Socket={Path.Combine(_folder, "control.sock")}",
            "Control:Port=0",
            $"Control:TokenFile={FileOf("token", Control)}",
            "Health:Port=0",
            $"Seq:ServerUrl={seq.Address}",
            $"Seq:ApiKeyFile={FileOf("seq", Seq)}",
            "Logging:Level=Verbose",
        ];
        await using var node = FerProcess.Start(["host", .. settings.SelectMany(setting => new[] { "--set", setting })], ("HF_TOKEN", Hub));

        await node.SaidAsync("Failed to initialize SQL Journal");
        await node.SaidAsync("amqp://127.0.0.1:1/");
        node.Signal("TERM");
        await node.ExitAsync();

        AssertNoSecret(node.Output + node.Errors + seq.Raw);
        Assert.NotEmpty(seq.Events);
    }

    [Fact]
    public async Task A_training_run_whose_hub_is_away_names_it_without_its_token()
    {
        await using var train = FerProcess.Start(
            ["train", "--data", Path.Combine(_folder, "none.csv"), "--init-from", "hub:org/name", "--model", Path.Combine(_folder, "model"), "--run", Path.Combine(_folder, "run")],
            ("HF_ENDPOINT", "http://127.0.0.1:1"),
            ("HF_HOME", Path.Combine(_folder, "hf")),
            ("HF_TOKEN", Hub),
            ("MLFLOW_TRACKING_URI", "http://127.0.0.1:1"),
            ("MLFLOW_TRACKING_USERNAME", "fer"),
            ("MLFLOW_TRACKING_PASSWORD", Mlflow));

        Assert.NotEqual(0, await train.ExitAsync());

        Assert.Contains("127.0.0.1:1", train.Output + train.Errors, StringComparison.Ordinal);
        AssertNoSecret(train.Output + train.Errors);
        AssertNoSecret(string.Concat(Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories).Select(File.ReadAllText)));
    }

    private static void AssertNoSecret(string text) => Assert.All(All, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));

    private string FileOf(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, content + "\n");
        return path;
    }
}
