using FerActors.Shared.Registry;

namespace FerActors.Control.Tests.Wire;

/// <summary>One or more messages of every wire type, with and without their optional parts.</summary>
internal static partial class WireSamples
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly ModelPointer Pointer = new(
        ModelVersionId.Parse("v1"),
        "v1",
        new Dictionary<string, string> { ["config.json"] = new('b', 64), [ModelPointer.WeightsFile] = new('a', 64) });

    public static IReadOnlyList<object> All { get; } =
    [
        DesiredModels.None,
        new DesiredModels(7, Pointer, new SecondModel(Pointer, 0.1), new SecondModel(Pointer, 1)),
        new NodeModelStatus("akka.tcp://FerActors@n1:5055", "n1", 7, []),
        new NodeModelStatus(
            "akka.tcp://FerActors@n1:5055",
            "n1",
            7,
            [
                new ModelSlotStatus(ModelSlot.Champion, "v1", new('a', 64), ModelPhase.Serving, null, Time),
                new ModelSlotStatus(ModelSlot.Shadow, "v2", "", ModelPhase.Failed, "The weights do not match.", Time),
            ]),
        .. Registry(),
        .. Training(),
    ];
}
