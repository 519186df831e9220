using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Lab.Bench;

/// <summary>A measured number, or the reason why there is none. What was not measured meets no bar.</summary>
[JsonConverter(typeof(FigureConverter))]
internal abstract record Figure
{
    /// <summary>What a table shows in the place of a number.</summary>
    public const string Absent = "not measured";

    private Figure()
    {
    }

    /// <summary>A number; one that is not finite was not measured.</summary>
    public static Figure Of(double value) =>
        double.IsFinite(value) ? new Measured(value) : new NotMeasured("the measurement gave no finite number");

    /// <summary>So many in so many seconds; none at all is not a rate of zero but a failure.</summary>
    public static Figure Rate(double count, double seconds) =>
        count > 0 && seconds > 0 ? Of(count / seconds) : new NotMeasured(BenchReport.Format($"nothing was answered in {seconds:0.0} s"));

    /// <summary>The middle one, or the mean of the middle two; not measured where one of them was not.</summary>
    /// <param name="figures">At least one.</param>
    public static Figure Median(IEnumerable<Figure> figures)
    {
        var all = figures.ToList();
        if (all.OfType<NotMeasured>().FirstOrDefault() is { } absent)
        {
            return absent;
        }

        var sorted = all.OfType<Measured>().Select(figure => figure.Value).Order().ToArray();
        return Of((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2);
    }

    /// <summary>How many times the other it is; not measured where one of the two was not, or the other is 0.</summary>
    public Figure Over(Figure other) => (this, other) switch
    {
        (NotMeasured, _) => this,
        (_, NotMeasured) => other,
        (Measured(var value), Measured(var by)) => Of(value / by),
        _ => throw new InvalidOperationException("A figure is measured or not."),
    };

    public bool IsAtLeast(double bar) => this is Measured(var value) && value >= bar;

    public bool IsAtMost(double bar) => this is Measured(var value) && value <= bar;

    /// <param name="format">Of the number.</param>
    public string Show(string format) => this is Measured(var value) ? value.ToString(format, CultureInfo.InvariantCulture) : Absent;

    /// <summary>A finite number. Made by the factories only, which check it.</summary>
    public sealed record Measured : Figure
    {
        internal Measured(double value) => Value = value;

        public double Value { get; }

        public void Deconstruct(out double value) => value = Value;
    }

    /// <param name="Why">The reason, as the end of a sentence.</param>
    public sealed record NotMeasured(string Why) : Figure;

    private sealed class FigureConverter : JsonConverter<Figure>
    {
        public override Figure Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Reports are only written.");

        public override void Write(Utf8JsonWriter writer, Figure value, JsonSerializerOptions options)
        {
            if (value is Measured(var number))
            {
                writer.WriteNumberValue(number);
                return;
            }

            writer.WriteStartObject();
            writer.WriteString("not_measured", ((NotMeasured)value).Why);
            writer.WriteEndObject();
        }
    }
}
