namespace FerActors.Shared.Registry;

/// <summary>A folder that cannot become a version. Nothing is left of the attempt.</summary>
/// <param name="code"><see cref="RegistryCode.Invalid"/> or <see cref="RegistryCode.Refused"/>.</param>
/// <param name="message">Why; a sentence.</param>
/// <param name="inner">What was thrown.</param>
public sealed class ModelStoreException(RegistryCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public RegistryCode Code { get; } = code;
}
