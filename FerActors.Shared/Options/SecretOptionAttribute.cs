namespace FerActors.Shared.Options;

/// <summary>Marks an option whose value no command and no log may show.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretOptionAttribute : Attribute;
