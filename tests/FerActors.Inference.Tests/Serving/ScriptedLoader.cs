using System.Collections.Concurrent;
using FerActors.Inference.Models;
using FerActors.Inference.Serving;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

/// <summary>Loads the fake models that a test has laid out, when the test lets it.</summary>
internal sealed class ScriptedLoader : IModelLoader
{
    private readonly ConcurrentDictionary<string, Func<IExpressionModel>> _versions = [];

    /// <summary>Closed, every load waits for it.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Versions in the order in which their loads began.</summary>
    public ConcurrentQueue<string> Begun { get; } = [];

    public static ModelPointer Pointer(string version) =>
        new(ModelVersionId.Parse(version), version, new Dictionary<string, string> { [ModelPointer.WeightsFile] = new('b', 64) });

    public static DesiredModels Champion(long sequence, string version) => new(sequence, Pointer(version));

    /// <summary>Devices for which models were asked for, in the order of the loads.</summary>
    public ConcurrentQueue<string> Devices { get; } = [];

    /// <summary>Lays one model out, for all instances.</summary>
    public FakeExpressionModel Has(string version, int side = 8)
    {
        var model = new FakeExpressionModel { Version = version, InputSide = side };
        _versions[version] = () => model;
        return model;
    }

    /// <summary>Lays a version out of which each instance gets a model of its own.</summary>
    public void Has(string version, Func<FakeExpressionModel> model) => _versions[version] = model;

    public void Breaks(string version, string reason) => _versions[version] = () => throw new ModelVerificationException(reason);

    public IReadOnlyList<IExpressionModel> Load(
        ModelPointer model, IReadOnlyList<string> devices, Action<ModelPhase> progress, CancellationToken cancellation)
    {
        Begun.Enqueue(model.Version.Value);
        progress(ModelPhase.Loading);
        Gate.Wait(TimeSpan.FromSeconds(30), cancellation);
        devices.ToList().ForEach(Devices.Enqueue);
        return [.. devices.Select(_ => _versions[model.Version.Value]())];
    }
}
