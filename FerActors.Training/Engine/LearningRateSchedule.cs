namespace FerActors.Training.Engine;

/// <summary>Linear warm-up, then half a cosine (Loshchilov and Hutter, "SGDR", 2017) down to a small final rate.</summary>
/// <param name="Peak">Highest rate.</param>
/// <param name="Final">Rate of the last step.</param>
/// <param name="WarmupSteps">Steps of the rise.</param>
/// <param name="TotalSteps">All steps.</param>
public sealed record LearningRateSchedule(double Peak, double Final, long WarmupSteps, long TotalSteps)
{
    /// <summary>The rate of a step, counted from 1.</summary>
    public double At(long step)
    {
        if (step <= WarmupSteps)
        {
            return Peak * step / WarmupSteps;
        }

        var progress = Math.Min(1, (double)(step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps));
        return Final + ((Peak - Final) * 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }
}
