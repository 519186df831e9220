namespace FerActors.Shared.Options;

/// <summary>Collects the mistakes of an options section, so that all of them are reported at once and in one form.</summary>
internal sealed class OptionErrors(string section)
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> All => _errors;

    public void Check(bool good, string name, object? value, string expected)
    {
        if (!good)
        {
            var shown = value is string text ? Redaction.Of(text) : value;
            _errors.Add($"{section}:{name} is '{shown}'; it must be {expected}.");
        }
    }
}
