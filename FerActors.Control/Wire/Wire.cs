namespace FerActors.Control.Wire;

/// <summary>Checked translations of values that protobuf holds as plain numbers.</summary>
internal static class Wire
{
    /// <exception cref="WireException">The number names no value of the enumeration.</exception>
    public static T Enum<T>(int value)
        where T : struct, Enum
    {
        var result = (T)System.Enum.ToObject(typeof(T), value);
        return System.Enum.IsDefined(result) ? result : throw new WireException($"{value} is no {typeof(T).Name}.");
    }

    /// <param name="ticks">Ticks of UTC.</param>
    /// <exception cref="WireException">Beyond the calendar.</exception>
    public static DateTimeOffset Time(long ticks) => ticks >= 0 && ticks <= DateTimeOffset.MaxValue.UtcTicks
        ? new DateTimeOffset(ticks, TimeSpan.Zero)
        : throw new WireException($"{ticks} ticks are no time.");
}
