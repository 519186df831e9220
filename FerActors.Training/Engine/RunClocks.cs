using System.Diagnostics;

namespace FerActors.Training.Engine;

/// <summary>The clocks of a run.</summary>
/// <param name="before">Seconds that the run took before it was continued.</param>
/// <param name="reportEvery">Time between two reports within an epoch.</param>
/// <param name="checkpointEvery">Time between two checkpoints within an epoch.</param>
/// <param name="imagesPerStep">Images of a batch.</param>
internal sealed class RunClocks(double before, TimeSpan reportEvery, TimeSpan checkpointEvery, int imagesPerStep)
{
    private readonly Stopwatch _run = Stopwatch.StartNew();
    private readonly Stopwatch _sinceReport = Stopwatch.StartNew();
    private readonly Stopwatch _sinceCheckpoint = Stopwatch.StartNew();
    private int _steps;
    private double _reported;

    /// <summary>Training time so far.</summary>
    public double Seconds => before + _run.Elapsed.TotalSeconds;

    /// <summary>Images per second since the last report, or where there was no step since, up to it.</summary>
    public double Speed => _steps == 0 ? _reported : _steps * imagesPerStep / _sinceReport.Elapsed.TotalSeconds;

    public bool CheckpointIsDue => _sinceCheckpoint.Elapsed >= checkpointEvery;

    /// <summary>A step is done.</summary>
    /// <returns>The speed where a report is due.</returns>
    public double? Step()
    {
        _steps++;
        if (_sinceReport.Elapsed < reportEvery)
        {
            return null;
        }

        _reported = Speed;
        RestartReports();
        return _reported;
    }

    /// <summary>What was done since the last report was no training.</summary>
    public void RestartReports()
    {
        _steps = 0;
        _sinceReport.Restart();
    }

    /// <summary>A checkpoint was written.</summary>
    public void RestartCheckpoints() => _sinceCheckpoint.Restart();
}
