using System.Globalization;

namespace FerActors.Host.Commands.Training;

/// <summary>Tells how far an evaluation is: at once, and then every few seconds.</summary>
/// <param name="target">Gets the lines.</param>
/// <param name="time">The clock.</param>
internal sealed class EvaluationProgress(TextWriter target, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    public void Say(string sentence) => target.WriteLine(sentence);

    /// <summary>Begins a part of the work.</summary>
    /// <param name="total">Looks at images in all.</param>
    /// <returns>To be told how many are done.</returns>
    public Action<int> Of(int total)
    {
        Say(string.Create(CultureInfo.InvariantCulture, $"Evaluating: {total:N0} looks at images"));
        var begun = time.GetTimestamp();
        var said = begun;
        return done =>
        {
            var now = time.GetTimestamp();
            if (time.GetElapsedTime(said, now) < Interval || done >= total)
            {
                return;
            }

            said = now;
            var left = time.GetElapsedTime(begun, now) * ((double)(total - done) / done);
            Say(string.Create(CultureInfo.InvariantCulture, $"Evaluated {done:N0} of {total:N0}, about {Math.Ceiling(left.TotalSeconds):N0} s left"));
        };
    }
}
