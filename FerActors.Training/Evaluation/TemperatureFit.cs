namespace FerActors.Training.Evaluation;

/// <summary>The temperature that makes a model's probabilities fit best.</summary>
/// <param name="Temperature">Divide the logits by it.</param>
/// <param name="NllBefore">Mean negative log-likelihood at temperature 1, in nats.</param>
/// <param name="NllAfter">The same at the temperature; never above <paramref name="NllBefore"/>.</param>
/// <param name="AtBound">
/// No temperature within the bounds is best: the model is right about everything, or no better than chance. The nearest
/// bound is given, and should not be trusted.
/// </param>
/// <param name="Count">Images that it was fitted on.</param>
public sealed record TemperatureFit(double Temperature, double NllBefore, double NllAfter, bool AtBound, int Count);
