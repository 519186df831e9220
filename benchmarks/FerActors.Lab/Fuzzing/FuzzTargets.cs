using System.Globalization;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using FerActors.Control.Wire;
using FerActors.Host.Intake;
using FerActors.Shared.Options;
using FerActors.Training.Configuration;
using FerActors.Training.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Imaging;
using FerActors.Vision.Safetensors;

namespace FerActors.Lab.Fuzzing;

/// <summary>All that reads what strangers send, each with the error that it documents.</summary>
internal static class FuzzTargets
{
    private const int MaxRows = 100;

    public static IReadOnlyList<string> Names { get; } =
        ["image", "headers", "amqp", "csv", "safetensors", "yaml", "config", "preprocessor", "wire", "http"];

    /// <summary>Makes a target; it may start what it needs.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static FuzzTarget Create(string name) => name switch
    {
        "image" => Refusing<ImageRejectedException>(name, "encoded images: the decoder", FuzzSeeds.Images(), Decode),
        "headers" => new(name, "properties and headers of a message", "a refusal or a dead letter", FuzzSeeds.Headers(), ReadHeaders, _ => false),
        "amqp" => AmqpTarget.Create(name),
        "csv" => Refusing<FerDataException>(name, "fer2013.csv, plain, gzip and zip", FuzzSeeds.Csv(), ReadCsv),
        "safetensors" => Refusing<SafetensorsFormatException>(name, "safetensors files, with their values", FuzzSeeds.Safetensors(), ReadSafetensors),
        "yaml" => Refusing<TrainingConfigurationException>(
            name, "training configurations", FuzzSeeds.Yaml(), bytes => RunConfiguration.Parse(Encoding.UTF8.GetString(bytes))),
        "config" => Refusing<VitConfigException>(name, "config.json of a model", FuzzSeeds.ModelConfigurations(), bytes => VitConfig.Parse(bytes)),
        "preprocessor" => Refusing<VitConfigException>(
            name, "preprocessor_config.json", FuzzSeeds.Preprocessors(), bytes => PreprocessorConfig.Parse(bytes, numChannels: 1)),
        "wire" => Wire(name),
        "http" => HttpTarget.Create(name),
        _ => throw new ArgumentException($"There is no target '{name}'; there are {string.Join(", ", Names)}.", nameof(name)),
    };

    private static FuzzTarget Refusing<T>(string name, string reads, IReadOnlyList<byte[]> seeds, Action<byte[]> read)
        where T : Exception => new(
            name,
            reads,
            typeof(T).Name,
            seeds,
            bytes =>
            {
                read(bytes);
                return true;
            },
            e => e is T);

    private static FuzzTarget Wire(string name)
    {
        // Made with the first input: the process that only listens needs none.
        var serializer = new Lazy<FerSerializer>(() =>
            new FerSerializer((ExtendedActorSystem)ActorSystem.Create("fuzz", "akka.loglevel = OFF, akka.stdout-loglevel = OFF")));
        return Refusing<SerializationException>(name, "protobuf messages: the serializer", FuzzSeeds.Messages(), bytes =>
        {
            var number = bytes.Length == 0 ? 0 : bytes[0] % WireTypes.All.Count;
            var message = serializer.Value.FromBinary(bytes.Length == 0 ? bytes : bytes[1..], WireTypes.All[number].Manifest);

            // What was read can be written again.
            _ = serializer.Value.ToBinary(message);
        });
    }

    private static void Decode(byte[] bytes)
    {
        using var image = ImageDecoder.Decode(bytes, ImageLimits.Default);
        if (image.Width <= 0 || image.Height <= 0 || image.Bgr.Channels() != 3)
        {
            throw new InvalidOperationException($"The decoder gave {image.Width} x {image.Height} x {image.Bgr.Channels()}.");
        }
    }

    private static void ReadCsv(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        _ = FerCsvReader.Read(stream, "fuzz.csv", FerDataOptions.Default with { MaxImages = MaxRows });
    }

    private static void ReadSafetensors(byte[] bytes)
    {
        using var file = SafetensorsFile.Open(bytes);
        foreach (var (name, tensor) in file.Tensors)
        {
            if (tensor.DType is SafetensorsDType.F32 or SafetensorsDType.F16 or SafetensorsDType.BF16 or SafetensorsDType.F64)
            {
                _ = file.ReadAsFloat32(name);
            }
        }
    }

    // Lines of the form name=type:value, so that headers of every AMQP type come about.
    private static bool ReadHeaders(byte[] bytes)
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var line in Encoding.Latin1.GetString(bytes).Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0)
            {
                headers[line[..equals]] = Value(line[(equals + 1)..]);
            }
        }

        var (_, verdict) = new EnvelopeReader(new RabbitMqOptions()).Read(new RawDelivery(
            default,
            Redelivered: bytes.Length % 2 == 1,
            headers.GetValueOrDefault("message-id")?.ToString(),
            headers.GetValueOrDefault("correlation-id")?.ToString(),
            headers.GetValueOrDefault("reply-to")?.ToString(),
            headers,
            bytes,
            bytes.Length,
            null,
            DateTimeOffset.UnixEpoch));
        return verdict is Verdict.Accept;
    }

    private static object? Value(string text)
    {
        var value = text.Length > 2 ? text[2..] : "";
        return text.Length == 0 ? null : text[0] switch
        {
            's' => value,
            'b' => Encoding.Latin1.GetBytes(value),
            'i' => long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : long.MinValue,
            'd' => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? real : double.NaN,
            't' => value == "true",
            'l' => new List<object?> { value, 1L, null },
            'm' => new Dictionary<string, object?> { [value] = value },
            _ => null,
        };
    }
}
