using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Configuration;

/// <summary>
/// Options that are lists, given as one value: <c>Cluster:Roles=control,training</c>. An item with a comma of its own is given by its
/// number: <c>Cluster:Roles:0=control</c>.
/// </summary>
internal static class OptionLists
{
    private const char Comma = ',';

    /// <summary>The same configuration with an item for each part. Of a value and items by number the one from the later source counts.</summary>
    /// <param name="configuration">What was given.</param>
    public static IConfiguration Split(IConfiguration configuration)
    {
        var given = configuration.AsEnumerable().Where(entry => entry.Value is not null).ToDictionary(StringComparer.OrdinalIgnoreCase);
        var changed = false;
        foreach (var list in OptionCatalog.All.Where(option => option.IsList).Select(option => option.Path))
        {
            string[] parts = given.TryGetValue(list, out var value)
                ? value!.Split(Comma, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                : [];
            if (parts.Length == 0)
            {
                continue;
            }

            changed = true;
            given.Remove(list);
            if (IsOverridden(configuration, list))
            {
                continue;
            }

            foreach (var item in given.Keys.Where(key => key.StartsWith(list + OptionCatalog.Separator, StringComparison.OrdinalIgnoreCase)).ToList())
            {
                given.Remove(item);
            }

            foreach (var (number, part) in parts.Index())
            {
                given[FormattableString.Invariant($"{list}{OptionCatalog.Separator}{number}")] = part;
            }
        }

        return changed ? new ConfigurationBuilder().AddInMemoryCollection(given).Build() : configuration;
    }

    // Sources that come later win.
    private static bool IsOverridden(IConfiguration configuration, string list)
    {
        var (value, items) = (-1, -1);
        foreach (var (number, source) in ((configuration as IConfigurationRoot)?.Providers ?? []).Index())
        {
            value = source.TryGet(list, out _) ? number : value;
            items = source.GetChildKeys([], list).Any() ? number : items;
        }

        return items > value;
    }
}
