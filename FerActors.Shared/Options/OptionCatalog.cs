using System.Collections;
using System.Globalization;
using System.Reflection;

namespace FerActors.Shared.Options;

/// <summary>Every option of <see cref="FerOptions"/>, read from the types themselves.</summary>
public static class OptionCatalog
{
    /// <summary>Stands between the names of a path.</summary>
    public const char Separator = ':';

    /// <summary>All options, section by section.</summary>
    public static IReadOnlyList<OptionEntry> All { get; } = [.. Of(new FerOptions(), "", options => options)];

    private static IEnumerable<OptionEntry> Of(object section, string path, Func<FerOptions, object> read)
    {
        // What cannot be set follows from other options.
        foreach (var property in section.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            var full = path.Length == 0 ? property.Name : $"{path}{Separator}{property.Name}";
            var type = property.PropertyType;
            var value = property.GetValue(section);
            if (type.Assembly == typeof(FerOptions).Assembly && type.IsClass)
            {
                foreach (var entry in Of(value!, full, options => property.GetValue(read(options))!))
                {
                    yield return entry;
                }

                continue;
            }

            var element = type == typeof(string) ? null : ElementOf(type);
            yield return new OptionEntry(
                full,
                Nullable.GetUnderlyingType(type) ?? element ?? type,
                element is not null,
                Nullable.GetUnderlyingType(type) is not null,
                property.GetCustomAttribute<SecretOptionAttribute>() is not null,
                options => property.GetValue(read(options)));
        }
    }

    private static Type? ElementOf(Type type) => type.GetInterfaces()
        .Append(type)
        .FirstOrDefault(t => t.IsGenericType && t.GetGenericTypeDefinition() == typeof(IEnumerable<>))?.GetGenericArguments()[0];
}

/// <summary>One option.</summary>
/// <param name="Path">Its names with colons between them: <c>Batching:MaxBatchSize</c>.</param>
/// <param name="Type">What a value is read as; of a list, each item. Never a nullable type.</param>
/// <param name="IsList">It takes several values, one at each number behind its path.</param>
/// <param name="IsOptional">It is a number, a flag or a time, and an empty value makes it absent.</param>
/// <param name="IsSecret">Its value is not shown.</param>
/// <param name="Read">Its value within the options.</param>
public sealed record OptionEntry(string Path, Type Type, bool IsList, bool IsOptional, bool IsSecret, Func<FerOptions, object?> Read)
{
    /// <summary>What a value has to be, for people: <c>a whole number</c>.</summary>
    public string Wanted => WantedOf(Type);

    /// <summary>What a value of a type has to be, for people.</summary>
    public static string WantedOf(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(int) || plain == typeof(long) || plain == typeof(ulong) ? "a whole number"
            : plain == typeof(double) ? "a number"
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(TimeSpan) ? "a time such as 00:00:30"
            : plain.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(plain))}"
            : "a text";
    }

    /// <summary>The value as it is written in a setting; nothing of a secret, and of an address nothing that signs in. Empty where absent.</summary>
    public string Shown(object? value) => value switch
    {
        null or "" => "",
        IEnumerable list and not string => string.Join(", ", list.Cast<object>().Select(Shown)),
        _ when IsSecret => Redaction.Hidden,
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        string text => Redaction.Of(text),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
