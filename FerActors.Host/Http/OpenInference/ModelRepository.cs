using FerActors.Host.Http.Requests;
using FerActors.Host.Operator;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>
/// The protocol's model repository: the registry. Its one model has the registered versions; to load one is to promote it, through all
/// gates and never by force, or to make it the canary or the shadow.
/// </summary>
/// <param name="modelName">The model's name.</param>
/// <param name="ask">Asks as an operator would.</param>
internal sealed class ModelRepository(string modelName, Func<OperatorRequest, Task<OperatorReply>> ask)
{
    private const string Ready = "READY";
    private const string Unavailable = "UNAVAILABLE";

    private static readonly string[] Champion = ["champion"];

    /// <summary>All registered versions.</summary>
    /// <param name="readyOnly">Only those that answer.</param>
    /// <exception cref="ApiException">The registry does not answer.</exception>
    public async Task<IReadOnlyList<RepositoryEntry>> IndexAsync(bool readyOnly)
    {
        var reply = await ask(new ModelRequests.List());
        return reply.View is ModelsView list
            ? [.. list.Models.Select(Entry).Where(entry => !readyOnly || entry.State == Ready)]
            : throw Refused(reply);
    }

    /// <summary>Makes a version the champion, the canary or the shadow.</summary>
    /// <returns>The registry's sentence.</returns>
    /// <exception cref="ApiException">The registry refuses, or does not answer.</exception>
    public async Task<string> LoadAsync(RepositoryChange change)
    {
        if (change.Version is not { Length: > 0 } version)
        {
            throw JsonMember.Invalid("it names no version: versions are loaded one by one, by parameters.version or by the parameter 'version' of parameters.config");
        }

        return await ChangeAsync(change.Role switch
        {
            null or "champion" when change.Share is null => new ModelRequests.Promote(version),
            null or "champion" => throw JsonMember.Invalid("a share goes with the roles canary and shadow"),
            "canary" => new ModelRequests.Canary(version, change.Share ?? RepositoryChange.DefaultShare),
            "shadow" => new ModelRequests.Shadow(version, change.Share ?? RepositoryChange.DefaultShare),
            _ => throw JsonMember.Invalid("the role must be champion, canary or shadow"),
        });
    }

    /// <summary>Ends a canary or a shadow. The champion stays: images would have no answer, and loading another version replaces it.</summary>
    /// <returns>The registry's sentence.</returns>
    /// <exception cref="ApiException">The version is neither, or the registry does not answer.</exception>
    public async Task<string> UnloadAsync(RepositoryChange change)
    {
        var reply = await ask(new ModelRequests.Status());
        if (reply.View is not FleetView fleet)
        {
            throw Refused(reply);
        }

        var (version, role) = (change.Version, change.Role);
        if (version is null && role is null)
        {
            throw JsonMember.Invalid("it names neither a version nor a role; the champion stays until another version is loaded");
        }

        if ((version is null || version == fleet.Canary) && role is null or "canary" && fleet.Canary is not null)
        {
            return await ChangeAsync(new ModelRequests.EndCanary());
        }

        if ((version is null || version == fleet.Shadow) && role is null or "shadow" && fleet.Shadow is not null)
        {
            return await ChangeAsync(new ModelRequests.EndShadow());
        }

        throw new ApiException(ApiCodes.Refused, version is not null && version == fleet.Champion
            ? "The champion cannot be unloaded, since images would have no answer; load another version, such as the previous one, in its place."
            : "No such version is the canary or the shadow.");
    }

    private async Task<string> ChangeAsync(OperatorRequest request)
    {
        var reply = await ask(request);
        return reply.Outcome == OperatorOutcome.Done ? reply.Message : throw Refused(reply);
    }

    private RepositoryEntry Entry(ModelSummary model)
    {
        var champion = model.Aliases.Intersect(Champion).Any();
        return new RepositoryEntry(
            modelName,
            model.Version,
            champion || model.CanaryShare is not null ? Ready : Unavailable,
            model.Quarantine
                ?? (champion ? "champion"
                    : model.CanaryShare is not null ? "canary"
                    : model.ShadowShare is not null ? "shadow"
                    : model.Aliases.Contains("previous") ? "previous"
                    : "registered"));
    }

    private static ApiException Refused(OperatorReply reply) => reply.Outcome switch
    {
        OperatorOutcome.Invalid => new ApiException(ApiCodes.InvalidRequest, reply.Message),
        OperatorOutcome.NoAnswer => new ApiException(ApiCodes.RegistryUnavailable, reply.Message),
        _ when reply.Code == "not_found" => new ApiException(ApiCodes.NotFound, reply.Message),
        _ => new ApiException(ApiCodes.Refused, reply.Message),
    };
}

/// <summary>What a client wants of the repository.</summary>
/// <param name="Version">The version.</param>
/// <param name="Role">champion, canary or shadow.</param>
/// <param name="Share">Above 0 and at most 1.</param>
internal sealed record RepositoryChange(string? Version, string? Role, double? Share)
{
    /// <summary>The share of a canary or a shadow where none is given.</summary>
    public const double DefaultShare = 0.1;
}
