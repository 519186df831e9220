namespace FerActors.Inference.Engines;

/// <summary>An engine that is to be tried.</summary>
/// <param name="Name">Its name, also where it cannot be built.</param>
/// <param name="Build">Builds it; what it throws leaves it out.</param>
internal sealed record EngineCandidate(string Name, Func<IForwardEngine> Build);

/// <summary>
/// Finds the engine of each class of batch sizes: the fastest of those that can be loaded and agree with the exact one.
/// </summary>
/// <remarks>
/// Which one is faster depends on processor, threads, model and batch, and on nothing that could be looked up. The engines take turns,
/// so that a neighbour who takes the processor for a while slows all of them, and the shortest time of each counts.
/// </remarks>
/// <param name="clock">Measures the passes.</param>
/// <param name="imageValues">Values of a normalised image: channels x side x side.</param>
internal sealed class EngineTrial(TimeProvider clock, int imageValues)
{
    // An engine so many times as slow as the fastest is measured with no larger batch: bf16 that a processor works out bit by bit
    // takes thirty times as long, and would hold the start up for a minute.
    private const double Hopeless = 5;
    private const int Rounds = 7;

    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(400);

    /// <summary>Tries the engines.</summary>
    /// <param name="home">The engine that is there in any case. It is not disposed.</param>
    /// <param name="others">The others; those that take no class are disposed.</param>
    /// <param name="difference">Largest difference of a probability from the exact engine's.</param>
    /// <param name="tolerance">Largest difference that is agreement.</param>
    /// <param name="largest">Faces of the largest batch.</param>
    /// <returns>The engine of each class, and what is to be said of the choice.</returns>
    /// <exception cref="Exception">The engine that is there in any case failed.</exception>
    public (IReadOnlyList<IForwardEngine> Chosen, EngineReport Report) Run(
        IForwardEngine home, IReadOnlyList<EngineCandidate> others, Func<IForwardEngine, double> difference, double tolerance, int largest)
    {
        var upTo = BatchClasses.UpTo(largest);
        var warnings = new List<string>();
        var built = new List<IForwardEngine>();
        IReadOnlyList<IForwardEngine> chosen = [];
        try
        {
            foreach (var candidate in others)
            {
                if (Admit(candidate, difference, tolerance, warnings) is { } engine)
                {
                    built.Add(engine);
                }
            }

            // One that fails with a large batch takes no small one either.
            var failed = new HashSet<IForwardEngine>();
            var racing = new List<IForwardEngine>([home, .. built]);
            var times = upTo.Select(size => Time(racing, home, size, failed, warnings)).ToList();
            chosen = [.. times.Select(time => time.Where(t => !failed.Contains(t.Key)).MinBy(t => t.Value).Key)];
            return (chosen, new EngineReport(Describe(upTo, chosen, times)) { Warnings = warnings });
        }
        finally
        {
            foreach (var engine in built.Except(chosen))
            {
                engine.Dispose();
            }
        }
    }

    /// <summary>The classes with their engines.</summary>
    /// <param name="upTo">The largest size of each class.</param>
    /// <param name="chosen">The engine of each class.</param>
    /// <param name="times">What was measured for each class; empty where nothing was.</param>
    public static IReadOnlyList<EngineClass> Describe(
        IReadOnlyList<int> upTo, IReadOnlyList<IForwardEngine> chosen, IReadOnlyList<IReadOnlyDictionary<IForwardEngine, TimeSpan>> times) =>
    [
        .. upTo.Select((bound, number) => new EngineClass(number == 0 ? 1 : upTo[number - 1] + 1, bound, chosen[number].Name)
        {
            Milliseconds = number < times.Count ? times[number].ToDictionary(t => t.Key.Name, t => t.Value.TotalMilliseconds) : new Dictionary<string, double>(),
        }),
    ];

    private static IForwardEngine? Admit(EngineCandidate candidate, Func<IForwardEngine, double> difference, double tolerance, List<string> warnings)
    {
        IForwardEngine? engine = null;
        try
        {
            engine = candidate.Build();
            var distance = difference(engine);
            if (distance <= tolerance)
            {
                return engine;
            }

            warnings.Add(FormattableString.Invariant(
                $"{candidate.Name} is left out: its probabilities differ from libtorch's in fp32 by up to {distance:0.000}, more than {tolerance:0.000}."));
        }
        catch (Exception e)
        {
            warnings.Add($"{candidate.Name} is left out: {e.Message}");
        }

        engine?.Dispose();
        return null;
    }

    // The shortest time of each engine that still races. What fails, and what is hopeless, races no more; the engine that is there in
    // any case always does.
    private Dictionary<IForwardEngine, TimeSpan> Time(
        List<IForwardEngine> racing, IForwardEngine home, int size, HashSet<IForwardEngine> failed, List<string> warnings)
    {
        var planes = new float[size * imageValues];
        for (var i = 0; i < planes.Length; i++)
        {
            planes[i] = (i * 7919 % 2001 / 1000f) - 1;
        }

        var times = new Dictionary<IForwardEngine, TimeSpan>();
        var began = clock.GetTimestamp();

        // The first pass of each engine and size is slow, and only counts where the budget leaves no other.
        for (var round = 0; round <= Rounds && (round < 2 || clock.GetElapsedTime(began) < Budget); round++)
        {
            foreach (var engine in racing.ToList())
            {
                try
                {
                    var start = clock.GetTimestamp();
                    engine.Run(planes, size);
                    var took = clock.GetElapsedTime(start);
                    times[engine] = round < 2 || took < times[engine] ? took : times[engine];
                }
                catch (Exception e) when (engine != home)
                {
                    warnings.Add($"{engine.Name} is left out: it failed with a batch of {size}. {e.Message}");
                    failed.Add(engine);
                    racing.Remove(engine);
                    times.Remove(engine);
                }
            }
        }

        var fastest = times.Values.Min();
        racing.RemoveAll(engine => engine != home && times[engine] > Hopeless * fastest);
        return times;
    }
}
