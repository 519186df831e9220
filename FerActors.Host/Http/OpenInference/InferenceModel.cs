using System.Diagnostics;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Http.Requests;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>The one model of the Open Inference Protocol, whichever transport a client comes by.</summary>
internal sealed class InferenceModel(ApiOptions options, ClassificationClient client, TimeProvider time)
{
    private readonly InferenceStatistics _statistics = new(time);

    /// <summary>The server, and the extensions of the protocol that it has.</summary>
    public static ServerMetadata Server { get; } = new(
        "feractors",
        typeof(InferenceModel).Assembly.GetName().Version?.ToString(3) ?? "",
        ["classification", "model_configuration", "model_repository", "statistics", "binary_tensor_data"]);

    public string Name => options.ModelName;

    /// <summary>Whether images can be published.</summary>
    public async Task<bool> IsReadyAsync() => await client.StatusAsync() is { Connected: true, Blocked: false };

    /// <exception cref="ApiException">Another model or version is asked.</exception>
    public ModelMetadata Metadata(string name, string? version)
    {
        Check(name, version);

        // Which versions serve is the nodes' business, and may change at any moment: the one that answered last is named.
        return new ModelMetadata(
            Name,
            client.LastModel is { } model ? [model.Version] : [],
            "feractors",
            [new TensorMetadata(ImageTensor.Name, "BYTES", [-1])],
            InferenceOutputs.All);
    }

    /// <exception cref="ApiException">Another model or version is asked.</exception>
    public ModelConfiguration Configuration(string name, string? version)
    {
        Check(name, version);
        return new ModelConfiguration(
            Name,
            "feractors",
            "feractors",
            0,
            [new ConfiguredTensor(ImageTensor.Name, "TYPE_STRING", [-1])],
            [.. InferenceOutputs.All.Select(tensor => new ConfiguredTensor(
                tensor.Name, tensor.Datatype == "BYTES" ? "TYPE_STRING" : "TYPE_" + tensor.Datatype, tensor.Shape))],
            new TransactionPolicy(Decoupled: false),
            client.LastModel is { } model
                ? new Dictionary<string, ConfiguredText>
                {
                    ["version"] = new(model.Version),
                    ["weights_sha256"] = new(model.WeightsSha256),
                }
                : new Dictionary<string, ConfiguredText>());
    }

    /// <param name="name">The model; all where absent.</param>
    /// <param name="version">The version; all that answered where absent.</param>
    /// <exception cref="ApiException">There is no such model, or the version has not answered here.</exception>
    public StatisticsView Statistics(string? name, string? version)
    {
        if (name is not null)
        {
            CheckName(name);
        }

        var view = _statistics.Read(Name, version);
        return version is null || view.Count > 0
            ? new StatisticsView(view)
            : throw new ApiException(ApiCodes.NotFound, $"Version {UntrustedText.Shown(version)} has not answered here.");
    }

    /// <summary>Classifies the images of one request.</summary>
    /// <param name="share">Who shares the turns with others.</param>
    /// <param name="request">The request.</param>
    /// <param name="version">The version that must answer; any where absent.</param>
    /// <param name="patience">Longest wait for one image, where it is less than the API's own.</param>
    /// <exception cref="ApiException">An image failed, or another version answers.</exception>
    public async Task<InferenceAnswer> InferAsync(string share, InferenceRequest request, string? version, TimeSpan? patience = null)
    {
        var began = time.GetTimestamp();
        var answers = await Task.WhenAll(request.Images.Select(image => client.ClassifyInTurnAsync(share, image, request.Headers, patience)));
        var results = new List<ClassificationResult>();
        try
        {
            foreach (var (_, answer) in answers)
            {
                results.Add(answer switch
                {
                    GatewayAnswer.Answered { Result.Error: { } error } => throw new ApiException(error.Code, $"Image {results.Count}: {error.Message}"),
                    GatewayAnswer.NotAnswered refused => throw new ApiException(refused.Code, $"Image {results.Count}: {refused.Message}"),

                    // Which version serves is known by its answer alone: it may have changed a moment ago.
                    GatewayAnswer.Answered { Result.Model.Version: { } other } when version is not null && other != version => throw NoVersion(version, other),
                    GatewayAnswer.Answered answered => answered.Result,
                    _ => throw new UnreachableException(),
                });
            }
        }
        catch (ApiException)
        {
            _statistics.Failed(client.LastModel?.Version ?? "", time.GetElapsedTime(began));
            throw;
        }

        var answering = results.FirstOrDefault(result => result.Model is not null)?.Model!.Version ?? "";
        _statistics.Answered(answering, time.GetElapsedTime(began), results);
        return new InferenceAnswer(answering, InferenceOutputs.Of(request.Outputs, results));
    }

    /// <exception cref="ApiException">The model is called otherwise.</exception>
    public void CheckName(string name)
    {
        if (!string.Equals(name, Name, StringComparison.Ordinal))
        {
            throw new ApiException(ApiCodes.NotFound, $"The model is called {Name}.");
        }
    }

    /// <summary>Refuses another model, and another version than the one that answered last. Before the first answer none is known, and none is wrong.</summary>
    /// <exception cref="ApiException">It is another one.</exception>
    public void Check(string name, string? version)
    {
        CheckName(name);
        if (version is not null && client.LastModel is { } last && last.Version != version)
        {
            throw NoVersion(version, last.Version);
        }
    }

    private static ApiException NoVersion(string asked, string serves) => new(
        ApiCodes.NotFound, $"Version {UntrustedText.Shown(asked)} does not serve; {serves} does. Which one does is decided by promotion, and a path without a version takes it.");
}
