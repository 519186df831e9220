namespace FerActors.Shared.Options;

/// <summary>When what a model sees, or says, counts as drifted from its reference.</summary>
/// <remarks>
/// On FER2013 a window of 500 unchanged faces moves by at most 0.10 (PSI) and 0.09 (KS) in 20,000 windows; docs/drift.md has the table
/// and what a change of light, focus or expressions does.
/// </remarks>
public sealed record DriftOptions
{
    public const string Section = "Drift";

    /// <summary>Whether a node watches for drift.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Faces in the sliding window, 50 to 100,000.</summary>
    public int Window { get; init; } = 500;

    /// <summary>Faces in the window before it is judged, 20 to <see cref="Window"/>: with fewer, chance alone moves the measures.</summary>
    public int MinSamples { get; init; } = 250;

    /// <summary>First production faces that become the reference of face size and detector score, 100 to 100,000.</summary>
    public int SelfReference { get; init; } = 1000;

    /// <summary>Population stability index from which a signal warns.</summary>
    public double PsiWarn { get; init; } = 0.15;

    /// <summary>Population stability index from which a signal alerts.</summary>
    public double PsiAlert { get; init; } = 0.3;

    /// <summary>Kolmogorov-Smirnov distance, 0 to 1, from which a signal warns.</summary>
    public double KsWarn { get; init; } = 0.15;

    /// <summary>Kolmogorov-Smirnov distance, 0 to 1, from which a signal alerts.</summary>
    public double KsAlert { get; init; } = 0.25;

    /// <summary>A level is left only where both measures are below this share of its thresholds, above 0 to 1, so that states do not flutter.</summary>
    public double Release { get; init; } = 0.8;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(Window is >= 50 and <= 100_000, nameof(Window), Window, "from 50 to 100000");
        errors.Check(MinSamples >= 20 && MinSamples <= Window, nameof(MinSamples), MinSamples, "from 20 to Window");
        errors.Check(SelfReference is >= 100 and <= 100_000, nameof(SelfReference), SelfReference, "from 100 to 100000");
        errors.Check(PsiWarn is > 0 and <= 10, nameof(PsiWarn), PsiWarn, "above 0 and at most 10");
        errors.Check(PsiAlert >= PsiWarn && PsiAlert <= 10, nameof(PsiAlert), PsiAlert, "from PsiWarn to 10");
        errors.Check(KsWarn is > 0 and <= 1, nameof(KsWarn), KsWarn, "above 0 and at most 1");
        errors.Check(KsAlert >= KsWarn && KsAlert <= 1, nameof(KsAlert), KsAlert, "from KsWarn to 1");
        errors.Check(Release is > 0 and <= 1, nameof(Release), Release, "above 0 and at most 1");
        return errors.All;
    }
}
