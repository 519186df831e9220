// Classifies photos over RabbitMQ or HTTP, all at once, and prints one line for each face.
//
//     ./run pack
//     dotnet run --project examples/csharp amqp://user:password@broker:5672/ photo.jpg ...
//     dotnet run --project examples/csharp http://127.0.0.1:8080/ photo.jpg ...
//
// Exit code 0 if every photo was classified, 1 if one has no result.
using FerActors.Client;

if (args.Length < 2)
{
    Console.Error.WriteLine("usage: dotnet run --project examples/csharp ADDRESS PHOTO...");
    return 2;
}

await using var client = FerClient.Create(args[0], options =>
{
    options.ApiKey = Environment.GetEnvironmentVariable("FERACTORS_API_KEY");
    options.ImagesQueue = Environment.GetEnvironmentVariable("IMAGES_QUEUE") ?? options.ImagesQueue;
    options.Timeout = TimeSpan.FromSeconds(60);
});

var failed = 0;
await Parallel.ForEachAsync(args[1..], async (path, stop) =>
{
    try
    {
        await using var photo = File.OpenRead(path);
        var result = await client.ClassifyAsync(photo, cancellationToken: stop);
        Console.WriteLine(result.Faces.Count == 0
            ? $"{path}: no face"
            : string.Join('\n', result.Faces.Select((face, number) => $"{path}: face {number}: {face.DominantEmotion} {face.Confidence:0.00}")));
    }
    catch (FerException e)
    {
        // e.IsTransient says whether the same photo may succeed later.
        Interlocked.Increment(ref failed);
        Console.WriteLine($"{path}: {e.Code}: {e.Message}");
    }
});
return failed == 0 ? 0 : 1;
