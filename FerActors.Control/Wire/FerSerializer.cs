using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Hosting;
using Akka.Serialization;
using Google.Protobuf;

namespace FerActors.Control.Wire;

/// <summary>Akka's door to <see cref="WireTypes"/>: versioned protobuf by manifest, and nothing else.</summary>
public sealed class FerSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Stands in journals; never changed.</summary>
    public const int Id = 481;

    private static readonly Dictionary<Type, WireType> ByType = WireTypes.All.ToDictionary(t => t.Type);
    private static readonly Dictionary<string, WireType> ByManifest = WireTypes.All.ToDictionary(t => t.Manifest, StringComparer.Ordinal);

    public override int Identifier => Id;

    public override string Manifest(object o)
    {
        ArgumentNullException.ThrowIfNull(o);
        return Find(o).Manifest;
    }

    public override byte[] ToBinary(object obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        return Find(obj).Encode(obj);
    }

    /// <exception cref="SerializationException">The manifest is unknown here, or the bytes are no such message.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!ByManifest.TryGetValue(manifest, out var type))
        {
            throw new SerializationException($"The message type '{manifest}' is unknown to this version of FerActors.");
        }

        try
        {
            return type.Decode(bytes);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or WireException)
        {
            throw new SerializationException($"A message of type '{manifest}' cannot be read: {e.Message}", e);
        }
    }

    private static WireType Find(object message) => ByType.TryGetValue(message.GetType(), out var type)
        ? type
        : throw new SerializationException($"{message.GetType()} is no message of the wire protocol.");
}

public static class FerSerializerHosting
{
    /// <summary>
    /// Binds every <see cref="WireTypes"/> message to <see cref="FerSerializer"/> and refuses messages without a binding: Akka's JSON
    /// default would put .NET type names into the journal, and take them from the network.
    /// </summary>
    public static AkkaConfigurationBuilder WithFerSerialization(this AkkaConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder
            .WithCustomSerializer("fer", WireTypes.All.Select(t => t.Type), system => new FerSerializer(system))
            .WithStrictSerialization();
    }
}
