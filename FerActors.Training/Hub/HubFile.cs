namespace FerActors.Training.Hub;

/// <summary>What the Hub says of one file before it is downloaded.</summary>
/// <param name="Name">Its name in the repository.</param>
/// <param name="Commit">The commit that it is of.</param>
/// <param name="ETag">64 hex digits: SHA-256 of the file; 40: git's blob hash.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Location">Where its bytes are; may be another host, and its query may be a signature that is nobody's business.</param>
/// <param name="Validator">The strong ETag of <paramref name="Location"/> where it is known, for If-Range.</param>
internal sealed record HubFile(string Name, string Commit, string ETag, long Size, Uri Location, string? Validator);
