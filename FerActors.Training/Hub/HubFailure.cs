namespace FerActors.Training.Hub;

/// <summary>Why a checkpoint could not be had from the Hub.</summary>
public enum HubFailure
{
    /// <summary>The identifier, a file name, or an option is not valid.</summary>
    Invalid,

    /// <summary>No token, or one that is not valid (401).</summary>
    Unauthorised,

    /// <summary>The repository is gated and the account has not been let in (403).</summary>
    Gated,

    /// <summary>The repository does not exist, or is private.</summary>
    RepositoryNotFound,

    /// <summary>The repository has no such branch, tag or commit.</summary>
    RevisionNotFound,

    /// <summary>The repository lacks a file that is needed.</summary>
    FileNotFound,

    /// <summary>The repository has its weights only as a pickle.</summary>
    PickleOnly,

    /// <summary>Offline, and the cache does not hold the checkpoint.</summary>
    NotInCache,

    /// <summary>The Hub could not be reached, or kept failing.</summary>
    Unreachable,

    /// <summary>The Hub's answer breaks its own protocol.</summary>
    Protocol,

    /// <summary>The bytes are not those that the Hub announced.</summary>
    Corrupt,

    /// <summary>The disk of the cache is full.</summary>
    DiskFull,
}
