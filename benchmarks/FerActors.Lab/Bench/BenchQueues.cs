using FerActors.Shared.Options;

namespace FerActors.Lab.Bench;

/// <summary>Queues for one run of a benchmark, so that no other node or client of the broker takes part.</summary>
internal static class BenchQueues
{
    public static RabbitMqOptions Create(RabbitMqOptions broker)
    {
        var suffix = Guid.NewGuid().ToString("N")[..8];
        return new RabbitMqOptions
        {
            Uri = broker.Uri,
            PasswordFile = broker.PasswordFile,
            ImagesQueue = $"fer.bench.images.{suffix}",
            ResultsQueue = $"fer.bench.results.{suffix}",
            DeadLetterQueue = $"fer.bench.dead.{suffix}",
            DeadLetterExchange = $"fer.bench.dlx.{suffix}",
        };
    }

    /// <summary>The queue of the plain consumer with batches of that size.</summary>
    public static string Peer(RabbitMqOptions queues, int batch) => $"{queues.ImagesQueue}.plain.{batch}";
}
