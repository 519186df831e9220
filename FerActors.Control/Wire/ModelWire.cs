using FerActors.Control.Wire.Protos;
using FerActors.Shared.Registry;

namespace FerActors.Control.Wire;

/// <summary>The wire form of what nodes should serve and what they do serve.</summary>
internal static class ModelWire
{
    public static IEnumerable<WireType> Types { get; } =
    [
        WireType.Of("dm1", DesiredModelsProto.Parser, Encode, Decode),
        WireType.Of("nm1", NodeModelStatusProto.Parser, Encode, Decode),
    ];

    public static ModelPointerProto Encode(ModelPointer pointer)
    {
        var proto = new ModelPointerProto { Version = pointer.Version.Value, Folder = pointer.Folder };
        proto.Files.Add(pointer.Files.ToDictionary());
        return proto;
    }

    public static ModelPointer Decode(ModelPointerProto proto) => new(Version(proto.Version), proto.Folder, proto.Files.ToDictionary());

    /// <exception cref="WireException">It is no version's name.</exception>
    public static ModelVersionId Version(string text) =>
        ModelVersionId.TryParse(text, out var id) ? id : throw new WireException("A message names a model version that no version can have.");

    public static DesiredModelsProto Encode(DesiredModels desired) => new()
    {
        Sequence = desired.Sequence,
        Champion = desired.Champion is { } champion ? Encode(champion) : null,
        Canary = desired.Canary is { } canary ? Encode(canary) : null,
        Shadow = desired.Shadow is { } shadow ? Encode(shadow) : null,
    };

    public static DesiredModels Decode(DesiredModelsProto proto) => new(
        proto.Sequence,
        proto.Champion is { } champion ? Decode(champion) : null,
        proto.Canary is { } canary ? Decode(canary) : null,
        proto.Shadow is { } shadow ? Decode(shadow) : null);

    private static SecondModelProto Encode(SecondModel second) => new() { Model = Encode(second.Model), Share = second.Share };

    private static SecondModel Decode(SecondModelProto proto) =>
        new(Decode(proto.Model ?? throw new WireException("A second model without a version.")), proto.Share);

    public static NodeModelStatusProto Encode(NodeModelStatus status)
    {
        var proto = new NodeModelStatusProto { Address = status.Address, Node = status.Node, DesiredSequence = status.DesiredSequence };
        foreach (var slot in status.Slots)
        {
            var encoded = new ModelSlotStatusProto
            {
                Slot = (int)slot.Slot,
                Version = slot.Version,
                WeightsSha256 = slot.WeightsSha256,
                Phase = (int)slot.Phase,
                SinceTicks = slot.Since.UtcTicks,
            };
            if (slot.Reason is { } reason)
            {
                encoded.Reason = reason;
            }

            proto.Slots.Add(encoded);
        }

        return proto;
    }

    public static NodeModelStatus Decode(NodeModelStatusProto proto) => new(
        proto.Address,
        proto.Node,
        proto.DesiredSequence,
        [.. proto.Slots.Select(s => new ModelSlotStatus(
            Wire.Enum<ModelSlot>(s.Slot),
            s.Version,
            s.WeightsSha256,
            Wire.Enum<ModelPhase>(s.Phase),
            s.HasReason ? s.Reason : null,
            Wire.Time(s.SinceTicks)))]);
}
