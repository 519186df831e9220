namespace FerActors.Training.Hub;

/// <summary>How far a file has come.</summary>
/// <param name="File">Its name in the repository.</param>
/// <param name="Bytes">On the disk, those of an earlier attempt among them.</param>
/// <param name="Total">All.</param>
/// <param name="Note">What a person should know, for example why an attempt is repeated; else <see langword="null"/>.</param>
public sealed record HubProgress(string File, long Bytes, long Total, string? Note = null);
