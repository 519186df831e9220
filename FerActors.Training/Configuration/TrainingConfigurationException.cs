namespace FerActors.Training.Configuration;

/// <summary>A training configuration cannot be used; the message has every mistake, each with the option's name.</summary>
public sealed class TrainingConfigurationException : FormatException
{
    public TrainingConfigurationException()
    {
    }

    public TrainingConfigurationException(string message)
        : base(message)
    {
    }

    public TrainingConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <param name="errors">The mistakes, a sentence each; at least one.</param>
    public TrainingConfigurationException(IReadOnlyList<string> errors)
        : base(errors is [var only]
            ? $"The training configuration has a mistake: {only}"
            : $"The training configuration has {errors.Count} mistakes:\n{string.Join('\n', errors.Select(e => $"- {e}"))}") => Errors = errors;

    public IReadOnlyList<string> Errors { get; } = [];
}
