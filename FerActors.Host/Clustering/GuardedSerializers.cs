using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;
using Akka.Serialization;

namespace FerActors.Host.Clustering;

/// <summary>
/// Akka.Remote's untrusted mode drops what is marked as harmful, which <see cref="Kill"/> and the messages that restart and suspend an
/// actor are not. Here they arrive as messages that are, and are dropped with them.
/// </summary>
public static class GuardedSerializers
{
    /// <summary>Settings that put the guards in the place of Akka.Remote's serializers.</summary>
    public static string Settings { get; } = $$"""
        akka.actor {
          serializers {
            akka-misc = "{{Name(typeof(GuardedMiscSerializer))}}"
            akka-system-msg = "{{Name(typeof(GuardedSystemMessageSerializer))}}"
          }
        }
        """;

    private static string Name(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";
}

/// <summary>Reads and writes as <see cref="MiscMessageSerializer"/>, but lets no <see cref="Kill"/> in.</summary>
public sealed class GuardedMiscSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private readonly MiscMessageSerializer _inner = new(system);

    public override int Identifier => _inner.Identifier;

    public override byte[] ToBinary(object obj) => _inner.ToBinary(obj);

    public override object FromBinary(byte[] bytes, string manifest) =>
        _inner.FromBinary(bytes, manifest) is var message && message is Kill ? PoisonPill.Instance : message;

    public override string Manifest(object o) => _inner.Manifest(o);
}

/// <summary>Reads and writes as <see cref="SystemMessageSerializer"/>, but lets in only what the watching of actors needs.</summary>
public sealed class GuardedSystemMessageSerializer(ExtendedActorSystem system) : Serializer(system)
{
    private readonly SystemMessageSerializer _inner = new(system);

    public override int Identifier => _inner.Identifier;

    public override bool IncludeManifest => _inner.IncludeManifest;

    public override byte[] ToBinary(object obj) => _inner.ToBinary(obj);

    public override object FromBinary(byte[] bytes, Type type) =>
        _inner.FromBinary(bytes, type) is var message && message is Watch or Unwatch or DeathWatchNotification ? message : new Terminate();
}
