using Google.Protobuf;

namespace FerActors.Control.Wire;

/// <summary>One message type that is persisted or crosses nodes: its name on the wire and its two translations.</summary>
/// <param name="Type">The message's type.</param>
/// <param name="Manifest">Its name on the wire; never changed, never used again for another type.</param>
/// <param name="Encode">Message to bytes.</param>
/// <param name="Decode">Bytes to message. Throws <see cref="WireException"/> or <see cref="InvalidProtocolBufferException"/> on bytes that are none.</param>
public sealed record WireType(Type Type, string Manifest, Func<object, byte[]> Encode, Func<byte[], object> Decode)
{
    /// <summary>A type that translates through a protobuf message.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <typeparam name="TProto">Its protobuf form.</typeparam>
    public static WireType Of<T, TProto>(string manifest, MessageParser<TProto> parser, Func<T, TProto> encode, Func<TProto, T> decode)
        where T : notnull
        where TProto : class, IMessage<TProto> => new(
            typeof(T),
            manifest,
            message => encode((T)message).ToByteArray(),
            bytes => decode(parser.ParseFrom(bytes)));

    /// <summary>A message without content.</summary>
    public static WireType Empty<T>(string manifest, T instance)
        where T : notnull => new(typeof(T), manifest, _ => [], _ => instance);
}

/// <summary>Bytes that are a protobuf message, but no message of this protocol.</summary>
public sealed class WireException(string message, Exception? inner = null) : Exception(message, inner);
