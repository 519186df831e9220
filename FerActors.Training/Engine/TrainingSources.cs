namespace FerActors.Training.Engine;

/// <summary>The folders on this machine that stand for what the options refer to.</summary>
/// <param name="InitFolder">For <see cref="TrainingOptions.InitFrom"/>; <see langword="null"/> for random weights.</param>
/// <param name="TeacherFolders">For <see cref="DistillationOptions.Teachers"/>, in their order.</param>
public sealed record TrainingSources(string? InitFolder, IReadOnlyList<string> TeacherFolders)
{
    /// <summary>What a reference to a repository of the Hub begins with.</summary>
    public const string HubPrefix = "hub:";

    /// <summary>Finds the folders.</summary>
    /// <param name="options">The options; plain paths are taken as they are.</param>
    /// <param name="fetch">
    /// Gives a local folder for <c>org/name[@revision]</c>, what stands behind <see cref="HubPrefix"/>; <see langword="null"/> where
    /// the Hub is out of reach.
    /// </param>
    /// <param name="cancellation">Ends the fetching.</param>
    /// <exception cref="InvalidOperationException">The options name a repository, and there is no <paramref name="fetch"/>.</exception>
    public static async Task<TrainingSources> ResolveAsync(
        TrainingOptions options, Func<string, CancellationToken, Task<string>>? fetch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var init = options.InitFrom is { } reference ? await FolderAsync("init_from", reference) : null;
        var teachers = new List<string>();
        foreach (var teacher in options.Distillation.Teachers)
        {
            teachers.Add(await FolderAsync("distillation.teachers", teacher));
        }

        return new TrainingSources(init, teachers);

        async Task<string> FolderAsync(string option, string text)
        {
            if (!text.StartsWith(HubPrefix, StringComparison.OrdinalIgnoreCase))
            {
                return text;
            }

            return fetch is null
                ? throw new InvalidOperationException($"{option} is '{text}', but nothing here fetches from the Hub; name a model folder.")
                : await fetch(text[HubPrefix.Length..], cancellation);
        }
    }
}
