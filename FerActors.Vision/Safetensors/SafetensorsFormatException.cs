namespace FerActors.Vision.Safetensors;

/// <summary>A file breaks a rule of the safetensors format. The message names the rule and, where there is one, the tensor.</summary>
public sealed class SafetensorsFormatException : FormatException
{
    public SafetensorsFormatException()
    {
    }

    public SafetensorsFormatException(string message)
        : base(message)
    {
    }

    public SafetensorsFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
