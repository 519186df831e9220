namespace FerActors.Training.Hub;

/// <summary>A model as it lies in the cache.</summary>
/// <param name="Model">What was asked for.</param>
/// <param name="Commit">The commit that the revision means.</param>
/// <param name="Folder">The folder with the files; <c>VitCheckpoint.Load</c> takes it.</param>
/// <param name="Files">The names of the files, weights last.</param>
/// <param name="Unconfirmed">The Hub could not be asked, so that the revision may have moved on; says why. Else <see langword="null"/>.</param>
public sealed record HubSnapshot(HubModelId Model, string Commit, string Folder, IReadOnlyList<string> Files, string? Unconfirmed = null);
