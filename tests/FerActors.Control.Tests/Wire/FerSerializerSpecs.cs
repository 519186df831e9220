using System.Runtime.Serialization;
using Akka.Actor;
using FerActors.Control.Wire;

namespace FerActors.Control.Tests.Wire;

public sealed class FerSerializerSpecs : IDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create("wire");
    private readonly FerSerializer _serializer;

    public FerSerializerSpecs() => _serializer = new FerSerializer((ExtendedActorSystem)_system);

    public static TheoryData<int> SampleNumbers => [.. Enumerable.Range(0, WireSamples.All.Count)];

    public void Dispose() => _system.Dispose();

    [Theory]
    [MemberData(nameof(SampleNumbers))]
    public void Every_message_survives_its_way_over_the_wire(int number)
    {
        var message = WireSamples.All[number];

        var read = _serializer.FromBinary(_serializer.ToBinary(message), _serializer.Manifest(message));

        Assert.Equivalent(message, read, strict: true);
        Assert.Equal(_serializer.ToBinary(message), _serializer.ToBinary(read));
    }

    [Fact]
    public void Every_wire_type_has_a_sample()
    {
        var untested = WireTypes.All.Select(t => t.Type).Except(WireSamples.All.Select(s => s.GetType()));

        Assert.Empty(untested);
    }

    [Fact]
    public void Manifests_are_unique()
    {
        Assert.Equal(WireTypes.All.Count, WireTypes.All.Select(t => t.Manifest).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void An_unknown_manifest_and_bytes_that_are_no_message_are_refused()
    {
        Assert.Throws<SerializationException>(() => _serializer.FromBinary([], "no-such-type"));
        Assert.Throws<SerializationException>(() => _serializer.FromBinary([0xFF, 0xFF, 0xFF], WireTypes.All[0].Manifest));
        Assert.Throws<SerializationException>(() => _serializer.ToBinary("a text"));
    }

    [Fact]
    public void Damaged_messages_are_read_or_refused_but_never_anything_else()
    {
        var random = new Random(1);
        foreach (var message in WireSamples.All)
        {
            var bytes = _serializer.ToBinary(message);
            var manifest = _serializer.Manifest(message);
            for (var round = 0; round < 200; round++)
            {
                var damaged = bytes.AsSpan(0, bytes.Length == 0 ? 0 : random.Next(bytes.Length + 1)).ToArray();
                for (var flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--)
                {
                    damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                }

                try
                {
                    Assert.NotNull(_serializer.FromBinary(damaged, manifest));
                }
                catch (SerializationException)
                {
                    // The one exception that callers have to expect.
                }
            }
        }
    }
}
